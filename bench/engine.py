"""The logged database alone: durable commits per second with 1, 10 and 100 writers at a time, 5 kB rows.

Its measure is the log volume itself: how often a second that disk takes a plain `fdatasync` of 5 kB. With one writer
each commit needs one flush; with many, they share it. `--processes` lets several workers write the same database.
"""

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from pathlib import Path

import uvloop

from pillarbox.database.engine import Engine
from pillarbox.database.place import Place, Tuning
from pillarbox.model.logged import WriteCursor
from pillarbox.testing.ledger import Ledger, entries

ROW = 5000
PAYLOAD = os.urandom(ROW)
INSERT = "INSERT INTO entry (key, value, crc) VALUES (?, ?, 0)"


def flushes_per_second(directory: Path, seconds: float) -> float:
    """Plain appends of 5 kB, each flushed."""
    fd = os.open(directory / "flushes", os.O_WRONLY | os.O_CREAT)
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        os.write(fd, PAYLOAD)
        os.fdatasync(fd)
        count += 1
    os.close(fd)
    (directory / "flushes").unlink()
    return count / seconds


async def commits_per_second(engine: Engine, writers: int, seconds: float, tag: str) -> tuple[float, list[float]]:
    """Writes a second by `writers` tasks, each waiting for its answer; and how long each waited, sorted."""
    stop = time.perf_counter() + seconds
    waits: list[float] = []

    async def writer(number: int) -> None:
        count = 0
        while (begun := time.perf_counter()) < stop:
            count += 1
            key = f"{tag}-{number}-{count}"

            def insert(cursor: WriteCursor, key: str = key) -> None:
                cursor.execute(INSERT, (key, PAYLOAD))

            await engine.write(insert, size=ROW)
            waits.append(time.perf_counter() - begun)

    start = time.perf_counter()
    await asyncio.gather(*(writer(number) for number in range(writers)))
    return len(waits) / (time.perf_counter() - start), sorted(waits)


def work(place: Place, writers: int, seconds: float, tag: str, results: "multiprocessing.Queue[float]") -> None:
    """One worker process."""
    engine = Engine.open(place, Ledger())
    results.put(uvloop.run(commits_per_second(engine, writers, seconds, tag))[0])
    engine.close()


def several(place: Place, processes: int, writers: int, seconds: float) -> list[float]:
    """Commits a second of each of several processes."""
    results: multiprocessing.Queue[float] = multiprocessing.Queue()
    workers = [
        multiprocessing.Process(
            target=work, args=(place, writers // processes, seconds, f"p{number}-{writers}", results)
        )
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    rates = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long each figure is measured")
    parser.add_argument("--directory", type=Path, default=None, help="where the files go (default: a temporary one)")
    parser.add_argument("--log-volumes", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--page-size", type=int, default=Tuning().page_size)
    arguments, _ = parser.parse_known_args()
    with tempfile.TemporaryDirectory(dir=arguments.directory) as temporary:
        root = Path(temporary)
        logs = tuple(root / f"log{number}" for number in range(arguments.log_volumes))
        for log in logs:
            log.mkdir()
        flushes = flushes_per_second(logs[0], arguments.seconds)
        print(f"fdatasync of 5 kB on the log volume: {flushes:,.0f}/s")
        place = Place("bench", root / "data", logs)
        engine = Engine.create(place, Ledger(), Tuning(page_size=arguments.page_size))
        for writers in (1, 10, 100):
            rate, waits = uvloop.run(commits_per_second(engine, writers, arguments.seconds, f"w{writers}"))
            slow, slowest = waits[len(waits) * 99 // 100], waits[-1]
            print(
                f"{writers:4} writers: {rate:8,.0f} commits/s, {rate / flushes:5.1f} x a plain flush, "
                f"99 % within {slow * 1000:.1f} ms, all within {slowest * 1000:.0f} ms"
            )
        engine.close()
        for writers in (10, 100):
            rates = several(place, arguments.processes, writers, arguments.seconds)
            shares = ", ".join(f"{rate:,.0f}" for rate in rates)
            print(f"{writers:4} writers in {len(rates)} processes: {sum(rates):8,.0f} commits/s ({shares})")
        for file in place.data.glob("bench.db*"):
            file.unlink()
        begun = time.perf_counter()
        engine = Engine.open(place, Ledger())
        took = time.perf_counter() - begun
        rows = len(entries(engine))
        print(f"rebuilding {rows:,} rows from the log alone: {took:.1f} s, {rows * ROW / took / 1e6:,.0f} MB/s")
        engine.close()


if __name__ == "__main__":
    main()
