"""What standbys have acknowledged, in a file mapped by the keeper (which writes) and by all workers (which read).

    header   8 octets magic, u32 state
    entry    64 octets name of the database, u64 generation, u64 LSN

A record at or before the entry of its database is on a standby's disk. `State` says whether answers should wait. The
keeper tells the workers by a datagram to each socket in `DIR/run/acks` that there is something new to see.
"""

import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from enum import IntEnum
from mmap import mmap
from pathlib import Path

from pillarbox.app.site import Site
from pillarbox.model.recovery import LogPoint

_MAGIC = b"pbxstb1\n"
_HEADER = struct.Struct("<8sI4x")
_NAME = struct.Struct("<64s")
_PLACE = struct.Struct("<QQ")
_STATE = struct.Struct("<I")
_ENTRY = _NAME.size + _PLACE.size
_NOTICE = struct.Struct("<QQQQ")


class State(IntEnum):
    """Whether a standby can be waited for."""

    GONE = 0
    FOLLOWED = 1
    EXPECTED = 2  # none is there, but not for long yet


def board_path(site: Site) -> Path:
    return site.run / "standby.board"


def commits_path(site: Site) -> Path:
    """The keeper's socket, where who commits says so."""
    return site.run / "commits.sock"


def acks_directory(site: Site) -> Path:
    """The workers' sockets."""
    return site.run / "acks"


class BoardWriter:
    """The keeper's side."""

    def __init__(self, site: Site, databases: Sequence[str]) -> None:
        size = _HEADER.size + _ENTRY * len(databases)
        descriptor = os.open(board_path(site), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fresh = os.fstat(descriptor).st_size != size
            os.ftruncate(descriptor, size)
            self._map = mmap(descriptor, size)
        finally:
            os.close(descriptor)
        self._places = {name: _HEADER.size + number * _ENTRY for number, name in enumerate(databases)}
        for name, place in self._places.items():
            if fresh or self._map[place : place + _NAME.size].rstrip(b"\0") != name.encode():
                self._map[place : place + _ENTRY] = _NAME.pack(name.encode()) + _PLACE.pack(0, 0)
        # Where a standby was followed a moment ago it will be back; nobody waits for one that never was there.
        expected = not fresh and self.state is not State.GONE
        _HEADER.pack_into(self._map, 0, _MAGIC, State.EXPECTED if expected else State.GONE)
        self._directory = acks_directory(site)
        self._directory.mkdir(mode=0o700, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._tells: list[str] = []
        self.look_around()
        self.tell()

    @property
    def state(self) -> State:
        return State(_STATE.unpack_from(self._map, 8)[0])

    def set_state(self, state: State) -> None:
        _STATE.pack_into(self._map, 8, state)
        self.tell()

    def acknowledge(self, name: str, generation: int, lsn: int) -> bool:
        """This record is on a standby's disk; whether that is news."""
        place = self._places[name] + _NAME.size
        if (generation, lsn) <= _PLACE.unpack_from(self._map, place):
            return False
        _PLACE.pack_into(self._map, place, generation, lsn)
        return True

    def look_around(self) -> None:
        """See which workers there are."""
        with suppress(OSError):
            self._tells = [str(path) for path in self._directory.iterdir()]

    def tell(self) -> None:
        """Let every worker look."""
        for path in self._tells:
            with suppress(OSError):  # it is gone, or has enough to see already
                self._socket.sendto(b"!", path)

    def close(self) -> None:
        self._socket.close()
        self._map.close()


class BoardReader:
    """A worker's side; the file may not be there yet."""

    def __init__(self, site: Site) -> None:
        self._path = board_path(site)
        self._map: mmap | None = None
        self._places: dict[str, int] = {}
        self._open()

    def _open(self) -> mmap | None:
        if self._map is None:
            try:
                with open(self._path, "rb") as file:
                    data = mmap(file.fileno(), 0, prot=1)
            except (OSError, ValueError):
                return None
            if data[:8] != _MAGIC:
                data.close()
                return None
            for place in range(_HEADER.size, len(data) - _ENTRY + 1, _ENTRY):
                self._places[data[place : place + _NAME.size].rstrip(b"\0").decode()] = place + _NAME.size
            self._map = data
        return self._map

    @property
    def state(self) -> State:
        data = self._open()
        return State(_STATE.unpack_from(data, 8)[0]) if data is not None else State.EXPECTED

    def acknowledged(self, name: str) -> tuple[int, int]:
        """Generation and LSN of the last record that a standby has."""
        data = self._open()
        if data is None or name not in self._places:
            return 0, 0
        generation, lsn = _PLACE.unpack_from(data, self._places[name])
        return generation, lsn

    def close(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None


def encode_commit(database: str, point: LogPoint) -> bytes:
    """The datagram about one commit."""
    return database.encode() + b"\0" + _NOTICE.pack(*point)


def decode_commit(datagram: bytes) -> tuple[str, LogPoint]:
    """Reads what `encode_commit` made. Raises ValueError for anything else."""
    name, separator, rest = datagram.partition(b"\0")
    if not separator or len(rest) != _NOTICE.size:
        raise ValueError("not a notice of a commit")
    return name.decode(), LogPoint(*_NOTICE.unpack(rest))
