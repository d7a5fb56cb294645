"""Coming back: how fast the log is played forward, a backup restored, and what a backup costs deliveries meanwhile.

Play-forward has no peer to run; the yardstick is Exchange's planning figure of 2 MB/s of log per database. A restore is
run beside `cp` and `sync` of the database file, and beside `doveadm backup` of the same mail from one Maildir into
another. Deliveries are counted with and without backups running, in turn.
"""

import argparse
import asyncio
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import corpus
import importing
import peers
from pillarbox.base.clock import SystemClock
from pillarbox.database.engine import Engine
from pillarbox.database.mailbox.schema import MailboxSchema
from pillarbox.database.mailbox.store import MailboxStore
from pillarbox.database.place import Place
from pillarbox.database.recovering import RecoveringDatabase
from pillarbox.mime.prepared import prepare
from pillarbox.model.recovery import Until
from pillarbox.model.transaction import Delivery, Drop
from pillarbox.testing.server import Server, port_offset

TRACE = b"Return-Path: <b@example.test>\r\nDelivered-To: a@example.test\r\n"
YARDSTICK = 2.0
STOCK = 30_000
"""Messages in the server whose backup runs beside deliveries."""


class Letter:
    """`model.content.Body` in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)


def letters(count: int) -> list[bytes]:
    """Of 5 kB each, all different."""
    writer = corpus.Writer(7)
    text = "\r\n".join(" ".join(writer.words(9)) for _ in range(4000))
    head = "From: b@example.test\r\nTo: a@example.test\r\nSubject: letter {n}\r\nMessage-ID: <{n}@example.test>\r\n\r\n"
    made = []
    for number in range(count):
        at = number * 37 % (len(text) - 6000)
        made.append((head.format(n=number) + text[at : at + 4900] + "\r\n").encode())
    return made


def make_database(root: Path, messages: list[bytes], clients: int) -> Place:
    """A database before the deliveries, and its log with them. Returns where the log is."""
    for name in ("data", "log", "locks"):
        (root / name).mkdir(parents=True)
    place = Place("mailboxes", root / "data", (root / "log",))
    Engine.create(place, MailboxSchema()).close()
    shutil.copy(place.file, root / "copy.db")
    engine = Engine.open(place, MailboxSchema())

    async def deliver() -> None:
        store = MailboxStore(engine, SystemClock(), root / "locks")
        waiting = iter(range(len(messages)))

        async def client() -> None:
            for number in waiting:
                data = messages[number]
                drop = Drop(number % 50 + 1, "INBOX", TRACE, 0, 0)
                await store.deliver(Delivery(Letter(data), prepare(data), (drop,), SystemClock().now()))

        await asyncio.gather(*(client() for _ in range(clients)))
        store.close()

    asyncio.run(deliver())
    engine.close()
    return place


def replay(root: Path, number: int) -> tuple[float, int]:
    """Seconds and octets of playing the whole log into the copy."""
    directory = root / f"recovered-{number}"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    recovered = RecoveringDatabase(directory, "mailboxes", MailboxSchema())
    shutil.copy(root / "copy.db", recovered.file)
    shutil.copytree(root / "log" / "mailboxes", recovered.log)
    os.sync()
    begun = time.perf_counter()
    played = recovered.play(Until(), lambda played: None)
    return time.perf_counter() - begun, played.octets


def bench_replay(directory: Path, count: int) -> None:
    messages = letters(count)
    for clients in (1, 20):
        root = directory / f"play-{clients}"
        make_database(root, messages, clients)
        runs = [replay(root, 0) for _ in range(3)]
        seconds, octets = min(runs)
        rate = octets / seconds / 1e6
        print(
            f"play-forward, {clients:2} deliveries at once: {count / seconds:8,.0f} messages/s, {rate:6.1f} MB/s of log "
            f"({rate / YARDSTICK:.0f} x the yardstick of {YARDSTICK:.0f} MB/s)",
            flush=True,
        )
        if clients > 1:
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                pool.starmap(replay, [(root, 1), (root, 2)])  # so that both processes have everything loaded
                begun = time.perf_counter()
                each = pool.starmap(replay, [(root, 1), (root, 2)])
                wall = max(seconds for seconds, _ in each)
            print(
                f"  two databases at once: {2 * count / wall:8,.0f} messages/s, {wall and 2 * seconds / wall:.2f} x one "
                f"alone ({time.perf_counter() - begun:.1f} s with copying)",
                flush=True,
            )
        shutil.rmtree(root)


def timed(command: list[str], **more: object) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)  # type: ignore[call-overload]
    return time.perf_counter() - begun


def bench_restore(directory: Path, count: int, compression: int) -> None:
    """A whole server back on a bare machine, against cp + sync of its files and against Dovecot."""
    octets = importing.write_mbox(directory / "corpus.mbox", count)
    target = directory / "target"
    target.mkdir()
    with port_offset() as offset:
        server = Server(directory / "site", offset)
        server.init(["u1"])
        settings = server.path / "pillarbox.toml"
        text = settings.read_text().replace("targets = []", f'targets = ["file://{target}"]')
        settings.write_text(text.replace("compression = 3", f"compression = {compression}"))
        pillarbox = [sys.executable, "-m", "pillarbox", "-C"]
        subprocess.run([*pillarbox, str(server.path), "import", "u1@example.test", str(directory / "corpus.mbox"),
                        "--into", "INBOX"], check=True, stderr=subprocess.DEVNULL)  # fmt: skip
        (directory / "corpus.mbox").unlink()
        file = server.path / "data" / "mailboxes.db"
        size = file.stat().st_size
        os.sync()
        backup = timed([*pillarbox, str(server.path), "backup", "--full"])
        verify = timed([*pillarbox, str(server.path), "backup", "verify"])
        os.sync()
        restore = timed([*pillarbox, str(directory / "bare"), "restore", "server", "--from", f"file://{target}"])
        shutil.rmtree(directory / "bare")
        os.sync()
        copy = timed(["sh", "-c", f"cp {file} {directory}/copy.db && sync {directory}/copy.db"])
        read = timed(["sh", "-c", f"cat {file} >/dev/null"])
    print(
        f"{count} messages, {octets / 1e9:.2f} GB of mail, a database of {size / 1e9:.2f} GB, zstd {compression}:\n"
        f"  backup {backup:.1f} s, verify {verify:.1f} s, restore of the server (copied, checked, in place) {restore:.1f}"
        f" s; cp + sync of the database {copy:.1f} s, cat {read:.1f} s",
        flush=True,
    )
    shutil.rmtree(directory / "site")
    shutil.rmtree(target)
    dovecot = bench_dovecot(directory / "dovecot", count)
    print(f"  `doveadm backup` of the same mail into an empty Maildir {dovecot:.1f} s: {dovecot / restore:.2f} x ours")


def bench_dovecot(directory: Path, count: int) -> float:
    """Seconds of `doveadm backup` from a Maildir with the same mail into an empty one."""
    directory.mkdir()
    for path in (directory, directory.parent):
        path.chmod(0o755)
    importing.write_maildir(directory / "source", count)
    owner = peers.vmail()
    for folder, _, files in os.walk(directory / "source"):
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        for name in files:
            os.chown(Path(folder, name), owner.pw_uid, owner.pw_gid)
    os.sync()
    with peers.postfix_and_dovecot(directory / "peers"):
        command = ["doveadm", "-c", str(directory / "peers" / "dovecot.conf"), "backup", "-R", "-u", "u1"]
        return timed([*command, f"maildir:{directory / 'source'}"])


def bench_deliveries(directory: Path, count: int, elsewhere: Path) -> None:
    """Deliveries per second by SMTP, without and with backups running all the time, in turn."""
    target = elsewhere / "target"
    target.mkdir()
    with port_offset() as offset:
        server = Server(directory / "site", offset)
        server.init(["u1"])
        pillarbox = [sys.executable, "-m", "pillarbox", "-C"]
        settings = server.path / "pillarbox.toml"
        text = settings.read_text().replace("targets = []", f'targets = ["file://{target}"]')
        settings.write_text(
            text.replace('time = "01:30"', 'time = ""').replace("archive_seconds = 1.0", "archive_seconds = 0.0")
        )
        importing.write_mbox(directory / "corpus.mbox", STOCK)
        subprocess.run([*pillarbox, str(server.path), "import", "u1@example.test",
                        str(directory / "corpus.mbox"), "--into", "Stock"], check=True, stderr=subprocess.DEVNULL)  # fmt: skip
        # In our session, as keeper and workers are in one: where the kernel groups processes by session, being nice
        # counts within a group only.
        serving = subprocess.Popen(
            [*pillarbox, str(server.path), "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not server.healthy():
            time.sleep(0.1)
        smtp = ["smtp-source", "-s", "20", "-l", "5000", "-t", "u1@example.test", "-f", "b@other.test"]
        timed([*smtp, "-m", "4000", f"127.0.0.1:{server.port(25)}"])
        rates: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(3):
            for busy in (False, True):
                running = backups(server, busy)
                time.sleep(0.5)
                rates[busy].append(count / timed([*smtp, "-m", str(count), f"127.0.0.1:{server.port(25)}"]))
                if running is not None:
                    running.terminate()
                    running.wait()
        serving.terminate()
        serving.wait()
    without, during = sorted(rates[False])[1], sorted(rates[True])[1]
    print(
        f"deliveries: {without:,.0f}/s, while backups run {during:,.0f}/s: {1 - during / without:.0%} fewer", flush=True
    )


def backups(server: Server, wanted: bool) -> "subprocess.Popen[bytes] | None":
    """Full backups, one after the other, as the keeper makes them, until terminated."""
    if not wanted:
        return None
    return subprocess.Popen([sys.executable, "-c", _BACKUPS, str(server.path)], stdout=subprocess.DEVNULL)


_BACKUPS = """
import os, sys
from pathlib import Path
from pillarbox.app.recovery.backups import make_backup
from pillarbox.app.site import Site
from pillarbox.base.clock import SystemClock
from pillarbox.recovery.names import Kind
os.nice(5)
while True:
    make_backup(Site.load(Path(sys.argv[1])), Kind.FULL, SystemClock(), lambda progress: None)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--play", type=int, default=30_000, help="messages whose log is played (0: leave out)")
    parser.add_argument("--restore", type=int, default=20_000, help="messages of the server restored (0: leave out)")
    parser.add_argument("--deliver", type=int, default=6_000, help="deliveries per run (0: leave out)")
    parser.add_argument("--compression", type=int, default=0, help="zstd level of the backup that is restored")
    parser.add_argument("--directory", type=Path, help="on the disk to be measured")
    parser.add_argument("--target", type=Path, help="where backups beside deliveries go (default: the same disk)")
    given = parser.parse_args()
    for count, run in (
        (given.play, bench_replay),
        (given.restore, lambda path, count: bench_restore(path, count, given.compression)),
        (given.deliver, lambda path, count: bench_deliveries(path, count, given.target or path)),
    ):
        if count:
            with tempfile.TemporaryDirectory(dir=given.directory) as directory:
                run(Path(directory), count)


if __name__ == "__main__":
    main()
