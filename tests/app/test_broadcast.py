"""Notices of changes between processes: all others hear, the dead are forgotten, nobody waits."""

import asyncio
import time
from pathlib import Path

import pytest

from pillarbox.app.broadcast import Broadcast, decode, encode
from pillarbox.model.change import Change
from pillarbox.model.ids import AccountId, MailboxId, ModSeq


def change(number: int) -> Change:
    return Change(AccountId(number), MailboxId(number + 1), ModSeq(number + 2))


def test_a_datagram_carries_changes_there_and_back() -> None:
    changes = [change(1), change(2**63)]
    assert decode(encode("mailboxes", changes)) == ("mailboxes", changes)


@pytest.mark.parametrize("datagram", [b"", b"mailboxes", b"mailboxes\0123", b"\xff\0"])
def test_what_is_not_a_notice_is_refused(datagram: bytes) -> None:
    if datagram == b"\xff\0":
        with pytest.raises(UnicodeDecodeError):
            decode(datagram)
    else:
        with pytest.raises(ValueError, match="not a notice"):
            decode(datagram)


async def _three(directory: Path) -> None:
    loop = asyncio.get_running_loop()
    heard: dict[str, list[Change]] = {"a": [], "b": [], "c": []}
    places = {name: Broadcast(directory, name, time.monotonic) for name in heard}
    for name, place in places.items():
        place.listen(loop, lambda database, changes, name=name: heard[name].extend(changes))
    (directory / "dead.sock").touch()
    many = [change(number) for number in range(9000)]
    places["a"].send("mailboxes", many)
    for _ in range(100):
        await asyncio.sleep(0.01)
        if len(heard["b"]) == len(heard["c"]) == len(many):
            break
    assert heard["b"] == heard["c"] == many
    assert heard["a"] == []
    assert not (directory / "dead.sock").exists()
    for place in places.values():
        place.close(loop)
    assert list(directory.iterdir()) == []


def test_all_others_hear_and_the_dead_are_forgotten(tmp_path: Path) -> None:
    asyncio.run(_three(tmp_path))
