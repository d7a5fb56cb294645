"""Manifests: readable, whole, and damaged in every octet."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint
from pillarbox.recovery.manifest import PIECE, DatabaseCopy, Manifest, Piece, decode, encode
from pillarbox.recovery.names import Kind, piece_name, site_name

SET = "20261124T013000Z-incr"
BASE = "20261123T013000Z-full"
DIGEST = hashlib.sha256(b"").hexdigest()
TIME = 1_795_483_800_000_001
SAMPLE = Manifest(
    SET,
    Kind.INCREMENTAL,
    BASE,
    TIME,
    TIME + 7_000_000,
    "mail.bücher.example",
    "pillarbox 0.1.0",
    ("age1something",),
    Piece(site_name(SET, ".zst"), 0, 10, 9, DIGEST, DIGEST),
    (
        DatabaseCopy(
            "mailboxes",
            "0" * 32,
            "mailbox",
            3,
            PIECE + 5,
            LogPoint(1, 90, 81, 4096),
            TIME + 1,
            (
                Piece(piece_name(BASE, "mailboxes", 0, ".zst"), 0, PIECE, 1000, DIGEST, DIGEST),
                Piece(piece_name(SET, "mailboxes", PIECE, ".zst"), PIECE, 5, 20, DIGEST, DIGEST),
            ),
        ),
        DatabaseCopy("queue", "1" * 32, "queue", 1, 0, LogPoint(1, 0, 1, 512), TIME, ()),
    ),
)


def changed(**fields: object) -> bytes:
    """The sample with other fields, and a digest that fits."""
    document = json.loads(encode(SAMPLE))
    del document["sha256"]
    document.update(fields)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    document["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(document).encode()


def test_decoding_gives_back_what_was_encoded() -> None:
    assert decode(encode(SAMPLE)) == SAMPLE
    assert decode(changed()) == SAMPLE


def test_a_person_can_read_it() -> None:
    text = encode(SAMPLE).decode()
    assert '"started": "2026-11-24T01:30:00.000001Z"' in text
    assert f'["sets/{BASE}/mailboxes/000000000000.zst", 0, 4194304, 1000, "{DIGEST}", "{DIGEST}"]' in text
    assert "bücher" in text
    assert list(json.loads(text))[-1] == "sha256"


def test_every_flipped_octet_is_noticed() -> None:
    data = encode(SAMPLE)
    for place in range(len(data) - 1):
        damaged = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        if damaged[place : place + 1].isspace() and data[place : place + 1].isspace():
            continue
        with pytest.raises(Failure) as caught:
            decode(damaged)
        assert caught.value.kind is FailureKind.CORRUPT


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{}", b'{"sha256": 1}', b"[" * 100_000, b"\xff"])
def test_what_is_none_is_corrupt(data: bytes) -> None:
    with pytest.raises(Failure, match=r"sets/x/manifest\.json is damaged") as caught:
        decode(data, "sets/x/manifest.json")
    assert caught.value.kind is FailureKind.CORRUPT


def test_a_later_format_is_refused_by_name() -> None:
    with pytest.raises(Failure, match="has format 2, this program reads 1") as caught:
        decode(changed(format=2))
    assert caught.value.kind is FailureKind.WRONG_VERSION


def test_wrong_fields_are_refused() -> None:
    good = json.loads(encode(SAMPLE))["databases"]
    wrong: list[dict[str, object]] = [
        {"databases": 1},
        {"databases": [{**good[0], "size": 5}]},
        {"databases": [{**good[0], "pieces": good[0]["pieces"][1:]}]},
        {"databases": [{**good[0], "pieces": [["../x", 0, 5, 5, DIGEST, DIGEST]]}]},
        {"databases": [{**good[0], "pieces": [["x", 0, True, 5, DIGEST, DIGEST]]}]},
        {"databases": [{**good[0], "pieces": [["x", 0]]}]},
        {"databases": [{**good[0], "point": {}}]},
        {"kind": "half"},
        {"started": "yesterday"},
        {"started": "2026-11-24T01:30:00"},
        {"site": ["x", 0, 1, 1, "short", DIGEST]},
        {"hostname": None},
    ]
    for fields in wrong:
        with pytest.raises(Failure) as caught:
            decode(changed(**fields))
        assert caught.value.kind is FailureKind.CORRUPT


def test_what_is_in_it() -> None:
    assert SAMPLE.size == PIECE + 5
    assert len(SAMPLE.pieces()) == 3
    copy = SAMPLE.database("queue")
    assert copy is not None and copy.uuid == "1" * 32
    assert SAMPLE.database("none") is None


def test_the_digest_can_be_checked_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_bytes(encode(SAMPLE))
    try:
        canonical = subprocess.run(["jq", "-cjS", "del(.sha256)", path], check=True, capture_output=True).stdout
    except FileNotFoundError:
        pytest.skip("jq is not here")
    assert hashlib.sha256(canonical).hexdigest() == json.loads(path.read_bytes())["sha256"]
