"""Killed at every step of a commit and of a recovery: what was answered is there, once, and nothing else but the
one write that was on its way."""

import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.database.dump import dump_log
from pillarbox.database.engine import Engine
from pillarbox.database.place import Surroundings, Tuning
from pillarbox.database.verify import Finding, verify
from pillarbox.model.failure import Failure
from pillarbox.testing.crash import DONE, OPENED, Victim, finish, start
from pillarbox.testing.faultydisk import FaultyDisk
from pillarbox.testing.ledger import Ledger, entries

WRITES = 3
SEGMENT = 1200


def make_template(root: Path, logs: int) -> Victim:
    """A database with one entry, to be copied for each crash."""
    victim = Victim(root, logs, "before", 1, segment_size=SEGMENT)
    for volume in victim.place.log_volumes:
        volume.mkdir(parents=True)
    Engine.create(victim.place, Ledger()).close()
    answers = run(victim)
    assert answers[-1].startswith(DONE)
    return victim


def run(victim: Victim) -> list[str]:
    return finish(*start(victim))


def keys_after(victim: Victim) -> set[str]:
    """What a recovery brings back, which is then complete and sound."""
    database = Engine.open(victim.place, Ledger(), Tuning(segment_size=SEGMENT))
    keys = set(entries(database))
    with database.read() as cursor:
        assert {text for (text,) in cursor.execute("SELECT text FROM numbered WHERE id > 1")} == keys
    database.close()
    findings = [found for found in verify(victim.place, Ledger(), Surroundings()) if isinstance(found, Finding)]
    assert findings == []
    return keys


def check(victim: Victim, answers: list[str]) -> None:
    acknowledged = {answer for answer in answers if answer.startswith(victim.name)}
    on_its_way = f"{victim.name}-{len(acknowledged) + 1}"
    keys = keys_after(victim)
    assert keys - {"before-1"} in (acknowledged, acknowledged | {on_its_way})
    for file in victim.place.data.glob("book.db*"):
        file.unlink()
    assert keys_after(victim) == keys


def images(tmp_path: Path, victim: Victim, template: Victim) -> Victim:
    shutil.rmtree(victim.root, ignore_errors=True)
    shutil.copytree(template.root, victim.root)
    return victim


@pytest.mark.parametrize("logs", [1, 2])
def test_killed_at_every_disk_operation(tmp_path: Path, logs: int) -> None:
    template = make_template(tmp_path / "template", logs)
    root = tmp_path / "victim"
    plain = images(tmp_path, Victim(root, logs, "w", WRITES, segment_size=SEGMENT), template)
    _, calls, writes = run(plain)[-1].split()
    assert len(list((root / "log1" / "book").glob("*.log"))) > 1
    seen = set()
    for number in range(1, int(calls) + 1, logs):
        victim = Victim(root, logs, "w", WRITES, segment_size=SEGMENT, crash_at=number)
        answers = run(images(tmp_path, victim, template))
        assert not answers or not answers[-1].startswith(DONE)
        seen.add(len(answers))
        check(victim, answers)
    assert seen == set(range(WRITES + 2))
    for number in range(1, int(writes) + 1):
        for torn in (1, 43, 44, 60, 200):
            victim = Victim(root, logs, "w", WRITES, segment_size=SEGMENT, crash_at=number, torn=torn)
            check(victim, run(images(tmp_path, victim, template)))


@pytest.mark.parametrize("logs", [1, 2])
def test_killed_at_every_disk_operation_of_a_recovery(tmp_path: Path, logs: int) -> None:
    template = make_template(tmp_path / "template", logs)
    old = [(file, file.read_bytes()) for file in template.place.data.glob("book.db*")]
    run(Victim(template.root, logs, "w", WRITES, segment_size=SEGMENT))
    for file in template.place.data.glob("book.db*"):
        file.unlink()
    for file, content in old:
        file.write_bytes(content)
    tail = sorted(template.place.log_volumes[0].glob("book/*.log"))[-1]
    tail.write_bytes(tail.read_bytes().rstrip(b"\0") + b"PbRc torn")
    expected = {"before-1", *(f"w-{number}" for number in range(1, WRITES + 1))}
    root = tmp_path / "victim"
    number = 0
    answers: list[str] = []
    while OPENED not in answers:
        number += 1
        victim = Victim(root, logs, "w", 0, segment_size=SEGMENT, crash_at=number)
        answers = run(images(tmp_path, victim, template))
        assert keys_after(victim) == expected
    assert number > 10


def test_several_processes_write_and_one_is_killed(tmp_path: Path) -> None:
    writers, writes = 3, 60
    template = make_template(tmp_path / "site", 1)
    victims = [
        Victim(template.root, 1, f"p{number}", writes, size=2000, segment_size=50_000) for number in range(writers)
    ]
    running = [start(victim) for victim in victims]
    doomed, pipe = running[1]
    early: list[str] = [str(pipe.recv()) for _ in range(20)]
    doomed.kill()
    outcomes = [finish(*pair) for pair in running]
    assert doomed.exitcode == -signal.SIGKILL
    outcomes[1] = early + outcomes[1]
    acknowledged = {answer for answers in outcomes for answer in answers if answer[0] == "p"}
    assert [sum(answer[0] == "p" for answer in answers) for answers in outcomes][::2] == [writes, writes]

    database = Engine.open(template.place, Ledger())
    keys = set(entries(database)) - {"before-1"}
    assert acknowledged <= keys
    assert len(keys - acknowledged) <= 1
    with database.read() as cursor:
        committed = [text for (text,) in cursor.execute("SELECT text FROM numbered WHERE id > 2 ORDER BY id")]
    database.close()
    assert [int(key.partition("-")[2]) for key in committed if key.startswith("p0")] == list(range(1, writes + 1))
    logged = [text for text in numbered_in_log(template) if text not in ("first", "before-1")]
    assert logged == committed  # log order is commit order
    for file in template.place.data.glob("book.db*"):
        file.unlink()
    assert keys_after(template) == keys | {"before-1"}


def numbered_in_log(victim: Victim) -> list[Any]:
    return [
        change["new"]["text"]
        for record in dump_log(victim.place, Surroundings())
        for change in record.get("changes", [])
        if change["table"] == "numbered"
    ]


def test_creating_that_fails_half_way_can_be_done_again(tmp_path: Path) -> None:
    victim = Victim(tmp_path, 2, "w", 0)
    for volume in victim.place.log_volumes:
        volume.mkdir()
    for number in range(1000):
        disk = FaultyDisk()
        disk.on_call = fail_from(number)
        try:
            Engine.create(victim.place, Ledger(), None, Surroundings(disk=disk)).close()
        except Failure as failure:
            if failure.kind is FailureKind.ALREADY_EXISTS:  # the time before, only what follows creation failed
                break
        except OSError:
            pass
        else:
            break
    assert number > 20
    assert keys_after(victim) == set()


def fail_from(number: int) -> Callable[[str, Path], None]:
    """Every disk operation but the lock's fails after the first `number`."""
    left = iter(range(number))

    def fail(operation: str, path: Path) -> None:
        if operation not in ("acquire", "release") and next(left, None) is None:
            raise OSError(5, "failing on demand", str(path))

    return fail
