"""The role is kept in a file, and what cannot be understood is never taken for "active"."""

from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.standby.role import FileLease, Fork, Role, Standing


def test_what_was_decided_is_remembered(tmp_path: Path) -> None:
    lease = FileLease(tmp_path / "state" / "role.json")
    assert lease.standing() is None
    standing = Standing(Role.STANDBY, 17, "promoted", {"mailboxes": [Fork(2, 90), Fork(3, 120)]})
    lease.take(standing)
    assert FileLease(tmp_path / "state" / "role.json").standing() == standing._replace(role=Role.ACTIVE)
    lease.give_up(standing)
    assert lease.standing() == standing


@pytest.mark.parametrize("text", ["{", "[]", '{"role": "king"}', '{"role": "active"}', "\0\0\0"])
def test_rubbish_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "role.json").write_text(text)
    with pytest.raises(Failure) as caught:
        FileLease(tmp_path / "role.json").standing()
    assert caught.value.kind is FailureKind.CORRUPT
