"""The table of failures: complete, and temporary where the failure is."""

import pytest

from pillarbox.base.failure import TEMPORARY, FailureKind
from pillarbox.wire.pop3.errors import CODES, failure_reply
from pillarbox.wire.pop3.replies import Err


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_has_a_code(kind: FailureKind) -> None:
    reply = failure_reply(kind, "Because.")
    assert reply == Err(CODES[kind], "Because.")
    assert reply.code in ("", "AUTH", "IN-USE", "SYS/TEMP", "SYS/PERM")
    if kind in TEMPORARY:
        assert reply.code in ("SYS/TEMP", "IN-USE")
    else:
        assert reply.code not in ("SYS/TEMP", "IN-USE")


def test_no_kind_too_many() -> None:
    assert set(CODES) == set(FailureKind)
