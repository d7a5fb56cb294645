"""The codec: what goes in comes out; who has no key is told so; damage is noticed."""

import subprocess
from itertools import product
from pathlib import Path

import pyrage
import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.codec import Codec

KEY = pyrage.x25519.Identity.generate()
FILE = f"# created: 2026-11-24T01:30:00Z\n# public key: {KEY.to_public()}\n{KEY}\n"
PUBLIC = str(KEY.to_public())
PLAIN = b"A letter.\r\n" * 1000


@pytest.mark.parametrize(("level", "recipients"), list(product((0, 3), ((), (PUBLIC,)))))
@pytest.mark.parametrize("plain", [b"", b"x", PLAIN])
def test_decoding_gives_back_what_was_encoded(level: int, recipients: tuple[str, ...], plain: bytes) -> None:
    codec = Codec(level, recipients, [FILE])
    assert codec.suffix == (".zst" if level else "") + (".age" if recipients else "")
    stored = codec.encode(plain)
    assert codec.decode("piece" + codec.suffix, stored) == plain
    assert (stored == plain) == (not codec.suffix)


def test_reading_goes_by_the_name_not_by_what_is_written_now() -> None:
    stored = Codec(3, ()).encode(PLAIN)
    assert Codec(0, (PUBLIC,)).decode("old.zst", stored) == PLAIN


def test_the_server_cannot_read_what_it_encrypted() -> None:
    codec = Codec(3, [PUBLIC])
    assert not codec.opens("piece.zst.age")
    assert codec.opens("piece.zst")
    with pytest.raises(Failure, match=r"encrypted, give the private key with --identity") as caught:
        codec.decode("piece.zst.age", codec.encode(PLAIN))
    assert caught.value.kind is FailureKind.NOT_ALLOWED


def test_another_key_does_not_open_it() -> None:
    other = Codec(3, [], [str(pyrage.x25519.Identity.generate())])
    with pytest.raises(Failure, match="encrypted to another key") as caught:
        other.decode("piece.zst.age", Codec(3, [PUBLIC]).encode(PLAIN))
    assert caught.value.kind is FailureKind.NOT_ALLOWED


@pytest.mark.parametrize(("level", "recipients"), [(3, ()), (0, (PUBLIC,)), (3, (PUBLIC,))])
def test_damage_is_noticed(level: int, recipients: tuple[str, ...]) -> None:
    codec = Codec(level, recipients, [FILE])
    stored = codec.encode(PLAIN)
    middle = len(stored) // 2
    damaged = [
        b"",
        stored[:-1],
        stored[: middle + 1],
        stored[:middle] + bytes([stored[middle] ^ 1]) + stored[middle + 1 :],
        stored[:-1] + bytes([stored[-1] ^ 1]),
        b"not at all",
    ]
    for data in damaged:
        with pytest.raises(Failure, match=r"piece.* is damaged") as caught:
            codec.decode("piece" + codec.suffix, data)
        assert caught.value.kind is FailureKind.CORRUPT


def test_several_recipients_can_each_read() -> None:
    second = pyrage.x25519.Identity.generate()
    stored = Codec(0, [PUBLIC, str(second.to_public())]).encode(PLAIN)
    for text in (FILE, str(second)):
        assert Codec(0, [], [text]).decode("x.age", stored) == PLAIN


def test_ssh_keys(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    codec = Codec(3, [key.with_suffix(".pub").read_text()], [key.read_text()])
    assert codec.decode("x.zst.age", codec.encode(PLAIN)) == PLAIN


@pytest.mark.parametrize("text", ["", "age1qqqq", "ssh-ed25519 AAAA", "alice@example.test"])
def test_what_is_no_public_key_is_said_so(text: str) -> None:
    with pytest.raises(Failure, match="is not a public key") as caught:
        Codec(3, [text])
    assert caught.value.kind is FailureKind.INVALID


@pytest.mark.parametrize("text", ["", "# only a comment\n", "AGE-SECRET-KEY-1SECRET", "-----BEGIN OPENSSH PRIVATE KEY"])
def test_what_is_no_private_key_is_said_so_and_not_quoted(text: str) -> None:
    with pytest.raises(Failure, match="private key") as caught:
        Codec(3, [], [text])
    assert caught.value.kind is FailureKind.INVALID
    assert "1SECRET" not in caught.value.public


def test_a_private_key_among_the_public_ones_is_not_quoted() -> None:
    with pytest.raises(Failure, match="private key") as caught:
        Codec(3, [str(KEY)])
    assert str(KEY) not in caught.value.public


def test_levels() -> None:
    with pytest.raises(Failure, match="compression is 0 to 22"):
        Codec(23, [])
