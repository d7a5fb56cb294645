"""Importing mail: messages per second and the memory it takes, from an mbox of varied messages.

The peer is `doveadm import` of the same messages from a Maildir into another user's Maildir, in the same run.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import corpus
import peers
from pillarbox.testing.server import Server, port_offset


def write_mbox(path: Path, count: int) -> int:
    """The corpus as one mbox; its octets."""
    octets = 0
    with open(path, "wb") as file:
        for data in corpus.messages(count):
            file.write(b"From bench@x.test Mon Jan  1 00:00:00 2024\n")
            file.write(data.replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ") + b"\n")
            octets += len(data)
    return octets


def write_maildir(path: Path, count: int) -> None:
    """The corpus as a Maildir."""
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True)
    for number, data in enumerate(corpus.messages(count)):
        (path / "cur" / f"{corpus.BEGINNING + number}.M{number}.bench:2,").write_bytes(data)


def peak_memory(command: list[str]) -> tuple[float, int]:
    """Seconds a command takes, and the largest resident memory of it and its children, in KiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    return seconds, max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)


def ours(path: Path, count: int) -> float:
    """Messages per second into Pillarbox."""
    octets = write_mbox(path / "corpus.mbox", count)
    with port_offset() as offset:
        site = Server(path / "site", offset)
        site.init(["u1"])
        command = [sys.executable, "-m", "pillarbox", "-C", str(site.path), "import", "u1@example.test"]
        seconds, memory = peak_memory([*command, str(path / "corpus.mbox"), "--into", "INBOX"])
        there = site.json("user", "show", "u1@example.test")["messages"]
        assert there == count, f"{there} of {count} messages are there"
        again, _ = peak_memory([*command, str(path / "corpus.mbox"), "--into", "INBOX"])
        assert site.json("user", "show", "u1@example.test")["messages"] == count
    print(
        f"Pillarbox: {count} messages, {octets / 1e6:.0f} MB: {count / seconds:.0f} messages/s, "
        f"largest process {memory / 1024:.0f} MiB; a second time (all there): {count / again:.0f}/s"
    )
    return count / seconds


def theirs(path: Path, count: int) -> float:
    """Messages per second into Dovecot's Maildir."""
    path.chmod(0o755)
    write_maildir(path / "source", count)
    owner = peers.vmail()
    for folder, _, files in os.walk(path / "source"):
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        for name in files:
            os.chown(Path(folder, name), owner.pw_uid, owner.pw_gid)
    with peers.postfix_and_dovecot(path / "peers"):
        command = ["doveadm", "-c", str(path / "peers" / "dovecot.conf"), "import", "-u", "u1"]
        began = time.perf_counter()
        subprocess.run([*command, f"maildir:{path / 'source'}", "", "all"], check=True)
        rate = count / (time.perf_counter() - began)
    print(f"Dovecot:   {count} messages: {rate:.0f} messages/s")
    return rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--peer-messages", type=int, default=10_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as folder:
        mine = ours(Path(folder), arguments.messages)
    if lacking := peers.missing():
        print(f"no peer: it needs {lacking}")
        return
    with tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as folder:
        print(f"ratio {mine / theirs(Path(folder), arguments.peer_messages):.2f}")


if __name__ == "__main__":
    main()
