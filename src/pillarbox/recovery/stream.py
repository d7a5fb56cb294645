"""A whole set as one stream, for what takes octets one after the other: a tape drive, `ssh elsewhere 'cat > x'`.

The stream is a tar archive: members are the set's objects under their names, the manifest is the last one. So
`tar t` lists it and `tar x` into a directory makes that directory a target with one set. A restore from a stream
unpacks it into a target and goes on from there.

`StreamWriter` takes what a backup puts; `read_stream` and `unpack` read. `writing_to` and `reading_from` run a shell
command as the device. Raises `Failure`: UNAVAILABLE where the device or the command fails, with what the command said;
CORRUPT where what is read is no whole stream.
"""

import hashlib
import os
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple

from pillarbox.base.clock import MICROSECONDS, Clock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery import manifest
from pillarbox.recovery.manifest import Manifest
from pillarbox.recovery.names import parse_manifest_name, valid_name

_BLOCK = tarfile.BLOCKSIZE
_END = bytes(2 * _BLOCK)
_READ = 1 << 20
_SAID = 500
_PATIENCE = 60.0


class Member(NamedTuple):
    """An object in a stream."""

    name: str
    data: bytes


class StreamWriter:
    """Writes objects into a stream; `close` ends it. Many threads may put. The stream itself is not closed."""

    def __init__(self, stream: IO[bytes], label: str, clock: Clock) -> None:
        self._stream = stream
        self._label = label
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def label(self) -> str:
        return self._label

    def put(self, name: str, data: bytes) -> None:
        if not valid_name(name):
            raise Failure(FailureKind.INVALID, f"{name!r} is not a name for an object")
        head = tarfile.TarInfo(name)
        head.size, head.mode, head.mtime = len(data), 0o600, self._clock.now() // MICROSECONDS
        with self._lock:
            self._write(head.tobuf(tarfile.PAX_FORMAT), data, bytes(-len(data) % _BLOCK))

    def flush(self) -> None:
        """Hand everything on; whether it is durable is the device's affair."""
        with self._lock:
            self._write()

    def close(self) -> None:
        with self._lock:
            self._write(_END)

    def _write(self, *parts: bytes) -> None:
        try:
            for part in parts:
                self._stream.write(part)
            self._stream.flush()
        except (OSError, ValueError) as error:
            raise Failure(FailureKind.UNAVAILABLE, f"{self._label} takes no more: {error}", error) from error


def read_stream(stream: IO[bytes]) -> Iterator[Member]:
    """The objects in a stream, in order. Raises CORRUPT where it is no tar archive or ends early."""
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=_READ) as archive:
            for head in archive:
                content = archive.extractfile(head) if head.isreg() else None
                if content is None or not valid_name(head.name):
                    if head.isdir():
                        continue
                    raise Failure(FailureKind.CORRUPT, f"the stream has a member that is no object: {head.name!r}")
                data = content.read()
                if len(data) != head.size:
                    raise Failure(FailureKind.CORRUPT, f"the stream ends in the middle of {head.name}")
                yield Member(head.name, data)
    except (tarfile.TarError, EOFError) as error:
        raise Failure(FailureKind.CORRUPT, f"this is no whole stream: {error}", error) from error
    except OSError as error:
        raise Failure(FailureKind.UNAVAILABLE, f"the stream cannot be read: {error}", error) from error


def unpack(
    stream: IO[bytes], target: Target, progress: Callable[[str, int], None] = lambda name, octets: None
) -> Manifest:
    """Put all of a stream into a target and give its manifest.

    The manifest is put last, after every digest in it was found right, so that a broken stream leaves no set behind.
    `progress` is told of each object and the octets so far.
    """
    digests: dict[str, str] = {}
    octets = 0
    for name, data in read_stream(stream):
        if parse_manifest_name(name) is not None:
            return _finish(target, name, data, digests)
        digests[name] = hashlib.sha256(data).hexdigest()
        target.put(name, data)
        octets += len(data)
        progress(name, octets)
    raise Failure(FailureKind.CORRUPT, "the stream ends before its manifest: the backup in it was broken off")


def _finish(target: Target, name: str, data: bytes, digests: dict[str, str]) -> Manifest:
    found = manifest.decode(data, name)
    for piece in found.pieces():
        if piece.object not in digests:
            raise Failure(FailureKind.CORRUPT, f"{piece.object} is missing in the stream")
        if digests[piece.object] != piece.stored_sha256:
            raise Failure(FailureKind.CORRUPT, f"{piece.object} is damaged in the stream")
    target.flush()
    target.put(name, data)
    target.flush()
    return found


@contextmanager
def writing_to(command: str, clock: Clock) -> Iterator[StreamWriter]:
    """A shell command that takes a stream on its standard input, for `with`.

    At the end of the block the stream is ended and the command waited for: only a command that ends with status 0 has
    taken it. Where it does not, or ends early, that is what is raised, with the last of what it said.
    """
    with _running(command, subprocess.PIPE, None) as process:
        assert process.stdin is not None
        writer = StreamWriter(process.stdin, f"command {command!r}", clock)
        try:
            yield writer
            writer.close()
        finally:
            with suppress(OSError):
                process.stdin.close()


@contextmanager
def reading_from(command: str) -> Iterator[IO[bytes]]:
    """A shell command that gives a stream on its standard output, for `with`.

    What follows the stream is read and dropped; a command that does not end with status 0 is UNAVAILABLE.
    """
    with _running(command, None, subprocess.PIPE) as process:
        assert process.stdout is not None
        with process.stdout:
            yield process.stdout
            while process.stdout.read(_READ):
                pass


@contextmanager
def _running(command: str, stdin: int | None, stdout: int | None) -> Iterator["subprocess.Popen[bytes]"]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=said if stdout is None else stdout,
            stderr=said,
            start_new_session=True,
        )
        try:
            yield process
        except BaseException as error:
            status = _end(process)
            if isinstance(error, Failure) and status:  # why the command ended explains what we met
                raise _ended(command, status, said, error) from error
            raise
        status = process.wait()
        if status:
            raise _ended(command, status, said, None)


def _end(process: "subprocess.Popen[bytes]") -> int:
    """The status of a command whose stream broke; one that does not end by itself is ended, and counts as well."""
    try:
        return process.wait(1.0 if process.stdout is None else 0.2)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.wait()
        return 0


def _ended(command: str, status: int, said: IO[bytes], cause: Failure | None) -> Failure:
    said.seek(0, os.SEEK_END)
    said.seek(max(0, said.tell() - _SAID))
    text = " ".join(said.read().decode(errors="replace").split())
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return Failure(FailureKind.UNAVAILABLE, f"command {command!r} {how}" + (f": {text}" if text else ""), cause)
