"""A restore beside `cp` and `sync` of the same bytes, and the play-forward of deliveries: MB/s, messages/s, and the ratio.

The copying phase is measured alone: pieces fetched, checked against their digests and written durably, from backups of
random octets (not compressed) and of mail (compressed). Then mail is delivered into a real mailbox database while its
log is archived to a directory, the database is restored from its first backup, and each phase is timed; last, two such
databases at once, each in a process of its own. Everything lies in one directory, so that all use the same disk.
"""

import argparse
import asyncio
import multiprocessing
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from backup import MIB, mail_file, random_file
from corpus import Writer
from pillarbox.base.clock import SystemClock
from pillarbox.database.engine import Engine
from pillarbox.database.live import LiveVolumes
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.mime.prepared import prepare
from pillarbox.model.content import Body
from pillarbox.model.ids import AccountId
from pillarbox.model.transaction import Delivery, Drop
from pillarbox.recovery.archive import Archiver
from pillarbox.recovery.backup import Order, run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.copying import copy_pieces
from pillarbox.recovery.fetch import Fetcher
from pillarbox.recovery.names import Kind
from pillarbox.recovery.plan import Choice, plan_restore
from pillarbox.recovery.restore import Means, RestoreResult, restore_database
from pillarbox.recovery.restorestate import RestoreState
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.testing.filedatabase import FileDatabase

PLAIN, PACKED = Codec(0, []), Codec(3, [])
ACCOUNTS = 50


def save(codec: Codec, databases: list[FileDatabase] | list[LiveVolumes], target: DirectoryTarget, state: Path) -> None:
    outcome = run_backup(Order(databases, b"", Kind.FULL, codec, "bench", "bench", state), [target], SystemClock())
    assert outcome.complete, outcome


def copying(codec: Codec, file: Path, target: DirectoryTarget) -> Callable[[Path], None]:
    def run(place: Path) -> None:
        plan = plan_restore([Catalog(target)], Choice("mailboxes"))
        state = RestoreState.load(place / "state.json", plan, "")
        fetcher = Fetcher(plan.targets, codec, print)
        copy_pieces(plan.copy.pieces, fetcher, place / "copy", state, 4, lambda done: None)
        assert (place / "copy").stat().st_size == file.stat().st_size

    return run


def peer(file: Path) -> Callable[[Path], None]:
    def run(place: Path) -> None:
        subprocess.run(f"cp {file} {place / 'copy'} && sync {place / 'copy'}", shell=True, check=True)

    return run


def compare_copying(directory: Path, size: int, rounds: int) -> None:
    for kind, write, codec in (("random octets", random_file, PLAIN), ("mail, zstd", mail_file, PACKED)):
        file = directory / "file"
        write(file, size)
        home = directory / "target"
        home.mkdir()
        target = DirectoryTarget(home)
        save(codec, [FileDatabase(file)], target, directory)
        runs = {"cp + sync": peer(file), "restore, copying": copying(codec, file, target)}
        best = dict.fromkeys(runs, 0.0)
        for _ in range(rounds):
            for name, run in runs.items():
                place = directory / "copy"
                place.mkdir()
                subprocess.run(["sync"], check=True)
                begun = time.perf_counter()
                run(place)
                best[name] = max(best[name], file.stat().st_size / (time.perf_counter() - begun) / 1e6)
                shutil.rmtree(place)
        print(f"{size // MIB} MiB of {kind}:")
        for name, speed in best.items():
            print(f"  {name:20} {speed:8,.0f} MB/s   {speed / best['cp + sync']:6.0%} of cp + sync", flush=True)
        shutil.rmtree(home)


async def deliver(engine: Engine, directory: Path, messages: int, archiver: Archiver) -> float:
    """Deliver, while the log is archived each second; messages a second."""
    store = MailboxStore(engine, SystemClock(), directory)
    for number in range(1, ACCOUNTS + 1):
        await store.open_account(AccountId(number), 0, 0)
    writer = Writer(1)

    async def one(number: int) -> None:
        text = writer.message(number)
        drop = Drop(AccountId(number % ACCOUNTS + 1), "INBOX", b"", 0, 0)
        assert await store.deliver(Delivery(Body(text), prepare(text), (drop,), SystemClock().now())) == [None]

    begun = time.perf_counter()
    archiving = asyncio.create_task(_archive(archiver))
    for first in range(0, messages, 100):
        await asyncio.gather(*(one(number) for number in range(first, min(first + 100, messages))))
    rate = messages / (time.perf_counter() - begun)
    archiving.cancel()
    store.close()
    return rate


async def _archive(archiver: Archiver) -> None:
    while True:
        await asyncio.sleep(1)
        await asyncio.to_thread(archiver.step)


def prepare_machine(directory: Path, messages: int) -> None:
    """A database with all its mail in the log behind its only backup."""
    for name in ("log", "locks", "target", "state"):
        (directory / name).mkdir(parents=True)
    place = Place("mailboxes", directory / "data", (directory / "log",))
    engine = Engine.create(place, MailboxSchema())
    live, target = LiveVolumes(place), DirectoryTarget(directory / "target")
    save(PACKED, [live], target, directory / "state")
    archiver = Archiver(live, [target], PACKED, SystemClock(), 60.0)
    rate = asyncio.run(deliver(engine, directory / "locks", messages, archiver))
    begun = time.perf_counter()
    while any(lag.records for lag in archiver.step()):
        pass
    behind = time.perf_counter() - begun
    archiver.close()
    engine.close()
    print(f"  delivered {messages:,} at {rate:,.0f} messages/s while archiving, which ended {behind:.1f} s later")


def restore(directory: Path, where: str) -> RestoreResult:
    place = directory / where
    shutil.rmtree(place, ignore_errors=True)
    recovery = RecoveringDatabase(place, "mailboxes", MailboxSchema())
    catalogs = [Catalog(DirectoryTarget(directory / "target"))]
    means = Means(PACKED, SystemClock())
    return restore_database(catalogs, Choice("mailboxes"), None, recovery, place / "state.json", means)


def _told(directory: Path, where: str, results: "multiprocessing.Queue[float]") -> None:
    results.put(restore(directory, where).play_seconds)


def play_forward(directory: Path, messages: int) -> None:
    prepare_machine(directory, messages)
    result = restore(directory, "one")
    assert not result.findings, result
    speed = result.log_octets / result.play_seconds / 1e6
    print(
        f"  restored: log fetched at {result.log_octets / result.fetch_seconds / 1e6:,.0f} MB/s, played at "
        f"{speed:,.0f} MB/s, {messages / result.play_seconds:,.0f} messages/s; checked in {result.check_seconds:.1f} s"
    )
    results: multiprocessing.Queue[float] = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=_told, args=(directory, f"p{n}", results)) for n in range(2)]
    for worker in workers:
        worker.start()
    seconds = max(results.get() for _ in workers)
    for worker in workers:
        worker.join()
    both = 2 * result.log_octets / seconds / 1e6
    print(f"  two databases at once, a process each: {both:,.0f} MB/s of log, {both / speed:.2f} x one")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="MiB of the file (default 512)")
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="on the disk to be measured (default: the temporary one)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        compare_copying(Path(directory), given.size * MIB, given.rounds)
        print(f"{given.messages:,} messages in the log:")
        play_forward(Path(directory) / "machine", given.messages)


if __name__ == "__main__":
    main()
