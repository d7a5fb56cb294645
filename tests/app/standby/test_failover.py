"""Two real servers: the active one is killed, the other takes over, the first comes back and follows; nothing is lost.

Letters are delivered all the time. In mode sync what was answered 250 is on both servers when it is answered.
"""

import json
import os
import time
from pathlib import Path

import pytest

from pillarbox.app.standby.rehearsal import Load
from pillarbox.testing.pair import Pair, command_of, know_each_other, pair
from pillarbox.testing.server import HOST, Server
from pillarbox.testing.twodatabases import eventually, subjects

pytestmark = pytest.mark.process

ALICE = "alice@example.test"


def follows(server: Server) -> bool:
    """Whether a standby has everything."""
    rows = json.loads(server.command("standby-status", "--json", check=False) or "[]")
    return bool(rows) and all(row["lag_records"] == 0 for row in rows)


def load_of(both: Pair, run: str) -> Load:
    return Load([(HOST, server.port(25)) for server in both], ALICE, run)


def test_the_active_server_is_killed_and_nothing_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pair(tmp_path, mode="sync") as both:
        one, two = both
        one.start()
        know_each_other(both)
        two.follow()
        eventually(lambda: follows(two), 60)
        eventually(lambda: "pillarbox_standbys 1.0" in one.metrics(), 30)
        with load_of(both, "killed") as load:
            assert load.wait(100, 60)
            begin = time.monotonic()
            one.kill()
            two.command("promote")
            assert load.wait(50, 60)
            outage = load.outage(begin, time.monotonic())
            one.start_again()
            eventually(lambda: follows(one), 60)
            assert load.wait(50, 60)
        found = load.check(subjects(two, "alice"))
        with capsys.disabled():
            print(
                f"\n{found.answered} letters answered, {found.lost} lost, {found.doubled} twice; outage {outage:.2f} s"
            )
        assert found.lost == 0
        assert found.answered >= 200
        assert json.loads((one.path / "state" / "role.json").read_text())["role"] == "standby"
        back = subjects(two, "alice")
        two.kill()
        one.command("promote")
        eventually(one.healthy, 60)
        assert sorted(subjects(one, "alice")) == sorted(back)


def test_an_active_server_that_was_replaced_steps_back(tmp_path: Path) -> None:
    with pair(tmp_path) as both:
        one, two = both
        one.start()
        know_each_other(both)
        two.follow()
        eventually(lambda: follows(two), 60)
        one.stop()
        one.start()  # now it knows its peer
        process = one.pid
        two.command("promote")  # while the first goes on serving
        eventually(two.healthy, 60)
        eventually(lambda: follows(one), 60)
        os.kill(process, 0)  # it is the same process, in its new role
        assert "took over" in one.log()


def test_a_rehearsal_goes_there_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pair(tmp_path, mode="sync") as both:
        one, two = both
        one.start()
        know_each_other(both)
        two.follow()
        eventually(lambda: follows(two), 60)
        words = ("--other", command_of(two), "--address", ALICE, "--other-smtp", f"{HOST}:{two.port(25)}")
        result = one.json("failover", "--rehearse", *words)
        with capsys.disabled():
            print(f"\n{result}")
        assert result["lost"] == 0
        assert result["letters_answered"] > 60
        eventually(one.healthy, 60)
        assert subjects(one, "alice") == []


def test_a_standby_says_what_it_is(tmp_path: Path) -> None:
    with pair(tmp_path) as both:
        _, two = both
        with pytest.raises(RuntimeError, match="is a standby"):
            two.command("user", "list")
        with pytest.raises(RuntimeError, match="never copied"):
            two.command("promote", "--to", "10:42")
