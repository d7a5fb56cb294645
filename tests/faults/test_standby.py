"""Two servers under load, killed and exchanged at random: what was answered 250 in mode sync is on the active one.

The model is the list of answered letters. An exchange (the active server killed, the other promoted) happens only
while the standby has all of the log: mode sync promises no more than that.
"""

import json
import random
import time
from pathlib import Path

import pytest

from pillarbox.app.standby.rehearsal import Load
from pillarbox.testing.pair import pair
from pillarbox.testing.server import HOST, Server
from pillarbox.testing.twodatabases import eventually, subjects

ROUNDS = 10

pytestmark = pytest.mark.crash


def follows(server: Server) -> bool:
    rows = json.loads(server.command("standby-status", "--json", check=False) or "[]")
    return bool(rows) and all(row["lag_records"] == 0 for row in rows)


def waited_for(active: Server) -> bool:
    try:
        return "pillarbox_standbys 1.0" in active.metrics()
    except OSError:
        return False


def test_killed_and_exchanged_at_random(tmp_path: Path) -> None:
    chance = random.Random(11)
    with pair(tmp_path, mode="sync") as both:
        active, standby = both
        both.one.set("standby", "server", both.standby_address(both.two))
        (both.one.path / "state").mkdir(exist_ok=True)
        role = {"role": "active", "since": 0, "reason": "by the test", "forks": {}}
        (both.one.path / "state" / "role.json").write_text(json.dumps(role))
        active.start()
        standby.follow()
        servers = [(HOST, server.port(25)) for server in both]
        with Load(servers, "alice@example.test", "torture") as load:
            for _ in range(ROUNDS):
                eventually(lambda: waited_for(active), 90)  # noqa: B023 - called at once
                assert load.wait(chance.randrange(5, 150), 90)
                match chance.choice(("standby", "active", "exchange", "exchange")):
                    case "standby":
                        standby.kill()
                        time.sleep(chance.random() * 3)
                        standby.follow()
                    case "active":
                        active.kill()
                        active.start()
                    case "exchange":
                        active.kill()
                        standby.command("promote")
                        active, standby = standby, active
                        standby.start_again()
            assert load.wait(20, 90)
        eventually(lambda: follows(standby), 90)
        found = load.check(subjects(active, "alice"))
        assert found.lost == 0
        assert found.answered > 100
        assert active.command("database", "verify", "--json").count('"findings": []') == 2
        active.kill()
        standby.command("promote")
        eventually(standby.healthy, 60)
        assert load.check(subjects(standby, "alice")).lost == 0
