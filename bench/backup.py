"""A backup beside `cp` and `sync` of the same file, and beside `tar | zstd`: MB/s of what is read, and the ratio.

The file is as large as asked for, once of random octets (which nothing compresses) and once of mail. Everything lies in
one directory, so that all write to the same disk. Each is run several times in turn; the best counts.
"""

import argparse
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import pyrage

from corpus import Writer
from pillarbox.base.clock import SystemClock
from pillarbox.recovery.backup import Order, run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.names import Kind
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.recovery.verification import verify_set
from pillarbox.testing.filedatabase import FileDatabase

MIB = 1024 * 1024
MAIL = 64 * MIB
"""Of mail that is written anew; far enough apart for zstd not to see that it comes again."""


def random_file(path: Path, size: int) -> None:
    with path.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))


def mail_file(path: Path, size: int) -> None:
    writer, mail = Writer(1), bytearray()
    for number in itertools.count():
        if len(mail) >= min(MAIL, size):
            break
        mail += writer.message(number)
    with path.open("wb") as file:
        while file.tell() < size:
            file.write(mail[: size - file.tell()])


def timed(what: Callable[[Path], None], file: Path) -> float:
    """MB/s of `what`, which writes into a new directory beside the file."""
    place = file.with_name("copy")
    place.mkdir()
    os.sync()
    begun = time.perf_counter()
    what(place)
    seconds = time.perf_counter() - begun
    shutil.rmtree(place)
    return file.stat().st_size / seconds / 1e6


def shell(command: str, file: Path) -> Callable[[Path], None]:
    def run(place: Path) -> None:
        subprocess.run(command.format(file=file, copy=place / "copy"), shell=True, check=True)

    return run


def backup(codec: Codec, file: Path) -> Callable[[Path], None]:
    def run(place: Path) -> None:
        order = Order([FileDatabase(file)], b"", Kind.FULL, codec, "bench", "bench", place)
        outcome = run_backup(order, [DirectoryTarget(place)], SystemClock())
        assert outcome.complete, outcome

    return run


def verify(codec: Codec, file: Path) -> float:
    place = file.with_name("copy")
    place.mkdir()
    backup(codec, file)(place)
    begun = time.perf_counter()
    target = DirectoryTarget(place)
    verified = verify_set(target, Catalog(target).sets()[0], codec)
    seconds = time.perf_counter() - begun
    assert not verified.findings, verified
    shutil.rmtree(place)
    return file.stat().st_size / seconds / 1e6


def compare(file: Path, rounds: int) -> None:
    key = str(pyrage.x25519.Identity.generate().to_public())
    plain = {"cp + sync": shell("cp {file} {copy} && sync {copy}", file), "backup": backup(Codec(0, []), file)}
    packed = {
        "tar | zstd -3": shell("tar c {file} 2>/dev/null | zstd -q -3 >{copy} && sync {copy}", file),
        "tar | zstd -3 -T0": shell("tar c {file} 2>/dev/null | zstd -q -3 -T0 >{copy} && sync {copy}", file),
        "backup, zstd 3": backup(Codec(3, []), file),
        "backup, zstd 3, age": backup(Codec(3, [key]), file),
    }
    for group in (plain, packed):
        best = dict.fromkeys(group, 0.0)
        for _ in range(rounds):
            for name, run in group.items():
                best[name] = max(best[name], timed(run, file))
        peer = next(iter(best))
        for name, speed in best.items():
            print(f"  {name:22} {speed:8,.0f} MB/s   {speed / best[peer]:6.0%} of {peer}", flush=True)
    print(f"  {'verify':22} {verify(Codec(0, []), file):8,.0f} MB/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="MiB of the file (default 512)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--directory", type=Path, help="on the disk to be measured (default: the system's for temporary files)"
    )
    given = parser.parse_args()
    for name, write in (("random octets", random_file), ("mail", mail_file)):
        with tempfile.TemporaryDirectory(dir=given.directory) as directory:
            file = Path(directory) / "file"
            write(file, given.size * MIB)
            print(f"{given.size} MiB of {name}:", flush=True)
            compare(file, given.rounds)


if __name__ == "__main__":
    main()
