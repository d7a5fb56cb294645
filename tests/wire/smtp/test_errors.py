"""The table of failures: complete, and temporary where the failure is."""

import pytest

from pillarbox.base.failure import TEMPORARY, FailureKind
from pillarbox.wire.smtp.errors import CODES, failure_reply


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_has_codes_that_agree(kind: FailureKind) -> None:
    reply = failure_reply(kind, "Because.")
    assert reply.lines == ("Because.",)
    assert reply.code // 100 in (4, 5)
    assert reply.enhanced[0] == str(reply.code // 100)
    assert len(reply.enhanced.split(".")) == 3
    if kind in TEMPORARY:
        assert reply.code // 100 == 4


def test_no_kind_too_many() -> None:
    assert set(CODES) == set(FailureKind)
