"""A restore's copying beside `cp` and `sync` of the same bytes: MB/s and the ratio.

Pieces are fetched, checked against their digests and written durably, from backups of random octets (not compressed) and
of mail (compressed). Everything lies in one directory, so that all use the same disk.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from backup import MIB, mail_file, random_file
from pillarbox.base.clock import SystemClock
from pillarbox.recovery.backup import Order, run_backup
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.copying import copy_pieces
from pillarbox.recovery.fetch import Fetcher
from pillarbox.recovery.names import Kind
from pillarbox.recovery.plan import Choice, plan_restore
from pillarbox.recovery.restorestate import RestoreState
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.testing.filedatabase import FileDatabase

PLAIN, PACKED = Codec(0, []), Codec(3, [])
ACCOUNTS = 50


def save(codec: Codec, databases: list[FileDatabase], target: DirectoryTarget, state: Path) -> None:
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=512, help="MiB of the file (default 512)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="on the disk to be measured (default: the temporary one)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.directory) as directory:
        compare_copying(Path(directory), given.size * MIB, given.rounds)


if __name__ == "__main__":
    main()
