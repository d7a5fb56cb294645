"""How octets are wrapped on their way to a target: compressed with zstd, then encrypted with age, each if wanted.

So `age --decrypt -i key.txt OBJECT | zstd -d` gives them back by hand, without Pillarbox. Encrypting needs public keys
only; a machine that holds no private key cannot read what it wrote. Compressed octets carry zstd's own checksum and
encrypted ones age's, so that decoding notices damage; with neither nothing does, except the manifest's digests.

A `Codec` holds no state between calls and may be used by many threads; compressing runs beside other Python code, while
encrypting holds it up (some 8 ms for a piece of 4 MiB). Raises `Failure`: INVALID for keys that are
none; when decoding, NOT_ALLOWED without a fitting private key, CORRUPT for damage. No failure quotes a private key.
"""

from collections.abc import Sequence
from typing import Any

import pyrage  # type: ignore[import-untyped]
import zstandard

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

LARGEST = 4 << 30
"""Octets that one object may unfold to; what claims more is damaged or hostile."""

_COMPRESSED = ".zst"
_ENCRYPTED = ".age"
_SSH_KEY = "-----BEGIN "


class Codec:
    """Encodes and decodes objects.

    `level` is zstd's, 0 for not compressed. `recipients` are public keys, "age1..." or "ssh-ed25519 ..."; none: not
    encrypted. `identities` are the texts of private key files: age's own (comments allowed) or OpenSSH's.
    """

    def __init__(self, level: int, recipients: Sequence[str], identities: Sequence[str] = ()) -> None:
        if not 0 <= level <= zstandard.MAX_COMPRESSION_LEVEL:
            raise Failure(FailureKind.INVALID, f"compression is 0 to {zstandard.MAX_COMPRESSION_LEVEL}, not {level}")
        self._level = level
        self._recipients = [_recipient(text) for text in recipients]
        self._identities = [identity for text in identities for identity in _identities(text)]
        self.recipients = tuple(" ".join(text.split()) for text in recipients)
        """The public keys that things are encrypted to."""

    @property
    def suffix(self) -> str:
        """What the names of encoded objects end with."""
        return (_COMPRESSED if self._level else "") + (_ENCRYPTED if self._recipients else "")

    def opens(self, name: str) -> bool:
        """Whether decoding an object of this name can be tried: it is not encrypted, or there is a private key."""
        return not name.endswith(_ENCRYPTED) or bool(self._identities)

    def encode(self, plain: bytes) -> bytes:
        if self._level:
            plain = zstandard.ZstdCompressor(level=self._level, write_checksum=True).compress(plain)
        if self._recipients:
            plain = pyrage.encrypt(plain, self._recipients)
        return plain

    def decode(self, name: str, stored: bytes) -> bytes:
        """The plain octets of an object, as its name's suffixes say."""
        if name.endswith(_ENCRYPTED):
            stored = self._decrypt(name, stored)
            name = name.removesuffix(_ENCRYPTED)
        return _decompress(name, stored) if name.endswith(_COMPRESSED) else stored

    def _decrypt(self, name: str, stored: bytes) -> bytes:
        if not self._identities:
            raise Failure(FailureKind.NOT_ALLOWED, f"{name} is encrypted, give the private key with --identity")
        try:
            return bytes(pyrage.decrypt(stored, self._identities))
        except pyrage.DecryptError as error:
            if "matching" in str(error):
                public = f"{name} is encrypted to another key: none of the private keys given opens it"
                raise Failure(FailureKind.NOT_ALLOWED, public, error) from error
            raise Failure(FailureKind.CORRUPT, f"{name} is damaged: it does not decrypt ({error})", error) from error


def _decompress(name: str, stored: bytes) -> bytes:
    try:
        if zstandard.frame_content_size(stored) > LARGEST:
            raise Failure(FailureKind.CORRUPT, f"{name} is damaged: it claims to be too large")
        return zstandard.ZstdDecompressor().decompress(stored, max_output_size=LARGEST, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Failure(FailureKind.CORRUPT, f"{name} is damaged: it does not decompress ({error})", error) from error


def _recipient(text: str) -> Any:
    try:
        if text.startswith("ssh-"):
            return pyrage.ssh.Recipient.from_str(text)
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError as error:
        if "AGE-SECRET-KEY" in text.upper():
            raise Failure(FailureKind.INVALID, "a private key is given where a public one belongs", error) from error
        public = f'"{text}" is not a public key: "age1..." or "ssh-ed25519 ..." is expected'
        raise Failure(FailureKind.INVALID, public, error) from error


def _identities(text: str) -> list[Any]:
    if text.lstrip().startswith(_SSH_KEY):
        try:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        except (pyrage.IdentityError, ValueError) as error:
            public = "the OpenSSH private key is not readable; one with a passphrase cannot be used"
            raise Failure(FailureKind.INVALID, public, error) from error
    found: list[Any] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            found.append(pyrage.x25519.Identity.from_str(line))
        except pyrage.IdentityError as error:
            public = f'line {number} of the private key is not one: "AGE-SECRET-KEY-1..." is expected'
            raise Failure(FailureKind.INVALID, public, error) from error
    if not found:
        raise Failure(FailureKind.INVALID, 'there is no private key ("AGE-SECRET-KEY-1...") in what was given')
    return found


def make_key() -> tuple[str, str]:
    """A new pair of keys: the private one ("AGE-SECRET-KEY-...") and the public one ("age1...")."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())
