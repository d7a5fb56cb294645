"""Streams: through real pipes and commands, whole, cut off, damaged, refused."""

import io
import subprocess
from pathlib import Path

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.backup import stream_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.names import Kind
from pillarbox.recovery.stream import StreamWriter, read_stream, reading_from, unpack, writing_to
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.recovery.verification import verify_set
from pillarbox.testing.backuphouse import PACKED, PLAIN, database, order, restored
from pillarbox.testing.filedatabase import FileDatabase
from pillarbox.testing.targets import MemoryTarget

CLOCK = FixedClock(1_795_483_800_000_000)


@pytest.fixture
def source(tmp_path: Path) -> FileDatabase:
    return database(tmp_path / "database")


def stream_of(source: FileDatabase, tmp_path: Path) -> bytes:
    """A whole backup as a stream."""
    out = io.BytesIO()
    writer = StreamWriter(out, "memory", CLOCK)
    assert stream_backup(order([source], tmp_path / "state"), writer, CLOCK).complete
    writer.close()
    return out.getvalue()


def test_through_a_real_pipe_and_back(source: FileDatabase, tmp_path: Path) -> None:
    saved = tmp_path / "tape"
    with writing_to(f"cat > {saved}", CLOCK) as writer:
        outcome = stream_backup(order([source], tmp_path / "state", Kind.INCREMENTAL, PACKED), writer, CLOCK)
    assert outcome.complete
    target = MemoryTarget()
    seen: list[int] = []
    with reading_from(f"cat {saved}") as stream:
        manifest = unpack(stream, target, lambda name, octets: seen.append(octets))
    assert manifest.kind is Kind.FULL and Catalog(target).sets() == [manifest]
    assert restored(target, manifest, codec=PACKED) == source.path.read_bytes()
    assert target.durable == target.objects
    assert len(seen) == 5 and seen == sorted(seen)


def test_tar_can_unpack_it_by_hand(source: FileDatabase, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with writing_to(f"tar x -C {tmp_path / 'out'}", CLOCK) as writer:
        stream_backup(order([source], tmp_path / "state"), writer, CLOCK)
    target = DirectoryTarget(tmp_path / "out")
    (manifest,) = Catalog(target).sets()
    assert verify_set(target, manifest, PLAIN).findings == ()
    again = subprocess.run(["tar", "c", "-C", tmp_path / "out", "sets"], capture_output=True, check=True).stdout
    members = [member.name for member in read_stream(io.BytesIO(again))]
    assert len(members) == 6


def test_the_manifest_is_last(source: FileDatabase, tmp_path: Path) -> None:
    names = [member.name for member in read_stream(io.BytesIO(stream_of(source, tmp_path)))]
    assert len(names) == 6
    assert names[-1] == "sets/20261124T013000Z-full/manifest.json"


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.9998])
def test_a_stream_cut_off_leaves_no_set(source: FileDatabase, tmp_path: Path, part: float) -> None:
    whole = stream_of(source, tmp_path)
    target = MemoryTarget()
    with pytest.raises(Failure) as caught:
        unpack(io.BytesIO(whole[: int(len(whole) * part)]), target)
    assert caught.value.kind is FailureKind.CORRUPT
    assert Catalog(target).sets() == []


def test_damage_in_a_stream_is_named(source: FileDatabase, tmp_path: Path) -> None:
    whole = bytearray(stream_of(source, tmp_path))
    whole[5 << 20] ^= 1
    target = MemoryTarget()
    with pytest.raises(Failure, match=r"mailboxes/000000[04c8]00000 is damaged in the stream"):
        unpack(io.BytesIO(bytes(whole)), target)
    assert Catalog(target).sets() == []


@pytest.mark.parametrize("data", [b"", b"not a tar archive" * 100, bytes(10240)])
def test_what_is_no_stream(data: bytes) -> None:
    with pytest.raises(Failure) as caught:
        unpack(io.BytesIO(data), MemoryTarget())
    assert caught.value.kind is FailureKind.CORRUPT


def test_a_member_that_would_leave_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    evil = subprocess.run(
        ["tar", "c", "-P", "--transform", "s,.*,../../x,", tmp_path / "x"], capture_output=True, check=True
    ).stdout
    with pytest.raises(Failure, match="a member that is no object"):
        list(read_stream(io.BytesIO(evil)))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("cat > /dev/null; echo 'no tape in drive' >&2; exit 3", "ended with status 3: no tape in drive"),
        ("exit 7", "ended with status 7"),
        ("head -c 100000 > /dev/null; echo full >&2; exit 1", "ended with status 1: full"),
        ("/nonexistent/command", "ended with status 127"),
        ("kill -9 $$", "was killed by signal 9"),
    ],
)
def test_a_command_that_fails_is_a_clear_failure(source: FileDatabase, tmp_path: Path, command: str, said: str) -> None:
    with pytest.raises(Failure) as caught, writing_to(command, CLOCK) as writer:
        stream_backup(order([source], tmp_path / "state"), writer, CLOCK)
    assert caught.value.kind is FailureKind.UNAVAILABLE
    assert said in caught.value.public


def test_a_command_that_stops_listening_but_is_content_is_a_failure(source: FileDatabase, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="takes no more"), writing_to("head -c 1000 > /dev/null", CLOCK) as writer:
        stream_backup(order([source], tmp_path / "state"), writer, CLOCK)


def test_a_command_that_cannot_give_it_back(tmp_path: Path) -> None:
    with (
        pytest.raises(Failure, match=r"ended with status 1: .*No such file"),
        reading_from("cat /nonexistent") as stream,
    ):
        unpack(stream, MemoryTarget())


def test_a_reading_that_is_broken_off_ends_the_command(source: FileDatabase, tmp_path: Path) -> None:
    with pytest.raises(KeyError), reading_from("yes") as stream:
        stream.read(10)
        raise KeyError("enough")
