"""The numbers of one process in a file mapped into memory, where another process can read them at any time.

A process counts with plain memory writes: no lock between processes, no message, nothing to flush. What it counted is
still there after it was killed; its successor with the same name goes on counting where it stopped. The file is
private to one version of the program: one that does not begin with the expected `_MAGIC` is begun anew.

    header   8 octets magic, u32 process id, u32 length of all entries
    entry    u32 octets of the key, u32 number of values, the key padded to 8 octets, the values as float64

The key is JSON: [name, kind, help, [label names], [label values], [bounds]], so a reader needs no list of metrics. A
counter and a gauge have one value; a histogram has one for each bound, one for what lies above, and the sum.
"""

import json
import os
import struct
from collections.abc import Iterator
from mmap import mmap
from pathlib import Path
from typing import NamedTuple

from pillarbox.base.metrics import Metric, MetricKind

_MAGIC = b"pbxnum1\n"
_HEADER = struct.Struct("<8sII")
_ENTRY = struct.Struct("<II")
_VALUE = struct.Struct("<d")
_FIRST_SIZE = 64 * 1024


class Series(NamedTuple):
    """One metric with one set of label values, as it was read."""

    name: str
    kind: MetricKind
    help: str
    labels: tuple[str, ...]
    label_values: tuple[str, ...]
    bounds: tuple[float, ...]
    values: tuple[float, ...]


class NumberFile:
    """The writer's side: one process at a time, one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file; gauges that a dead predecessor left behind are 0 again."""
        self._path = path
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        size = max(os.fstat(self._fd).st_size, _FIRST_SIZE)
        os.ftruncate(self._fd, size)
        self._map = mmap(self._fd, size)
        magic, _, used = _HEADER.unpack_from(self._map, 0)
        self._used = used if magic == _MAGIC else 0
        self._places: dict[str, int] = {}
        for key, _, place in _entries(self._map, self._used):
            self._places[key] = place
            if json.loads(key)[1] == MetricKind.GAUGE.value:
                _VALUE.pack_into(self._map, place, 0.0)
        self._write_header()

    def place(self, metric: Metric, label_values: tuple[str, ...]) -> int:
        """Where the values of a metric with these labels lie; made where they are new."""
        key = json.dumps(
            [metric.name, metric.kind.value, metric.help, metric.labels, label_values, metric.bounds],
            separators=(",", ":"),
        )
        known = self._places.get(key)
        if known is not None:
            return known
        count = len(metric.bounds) + 2 if metric.kind is MetricKind.HISTOGRAM else 1
        encoded = key.encode()
        encoded += b" " * (-len(encoded) % 8)
        start = _HEADER.size + self._used
        place = start + _ENTRY.size + len(encoded)
        end = place + 8 * count
        if end > len(self._map):
            os.ftruncate(self._fd, 2 * len(self._map))
            self._map.resize(2 * len(self._map))
        _ENTRY.pack_into(self._map, start, len(encoded), count)
        self._map[start + _ENTRY.size : place] = encoded
        self._map[place:end] = bytes(8 * count)
        self._used = end - _HEADER.size
        self._write_header()  # last: a reader sees whole entries only
        self._places[key] = place
        return place

    def add(self, place: int, amount: float) -> None:
        """Adds to the value at `place`."""
        _VALUE.pack_into(self._map, place, _VALUE.unpack_from(self._map, place)[0] + amount)

    def remove(self) -> None:
        """Ends the counting; the file goes."""
        self._map.close()
        os.close(self._fd)
        self._path.unlink(missing_ok=True)

    def _write_header(self) -> None:
        _HEADER.pack_into(self._map, 0, _MAGIC, os.getpid(), self._used)


def read_numbers(path: Path) -> tuple[int, list[Series]]:
    """The process id and all series of a file; (0, []) where it is gone or from another version."""
    try:
        data = path.read_bytes()
    except OSError:
        return 0, []
    if len(data) < _HEADER.size:
        return 0, []
    magic, pid, used = _HEADER.unpack_from(data, 0)
    if magic != _MAGIC:
        return 0, []
    found = []
    for key, count, place in _entries(data, used):
        name, kind, text, labels, label_values, bounds = json.loads(key)
        values = struct.unpack_from(f"<{count}d", data, place)
        found.append(Series(name, MetricKind(kind), text, tuple(labels), tuple(label_values), tuple(bounds), values))
    return pid, found


def _entries(data: bytes | mmap, used: int) -> Iterator[tuple[str, int, int]]:
    """Key, number of values and place of the values of each entry."""
    at, end = _HEADER.size, _HEADER.size + used
    while at < end:
        size, count = _ENTRY.unpack_from(data, at)
        place = at + _ENTRY.size + size
        yield data[at + _ENTRY.size : place].decode().rstrip(" "), count, place
        at = place + 8 * count
