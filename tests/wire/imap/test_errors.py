"""Every kind of failure has a response code."""

from pillarbox.base.failure import FailureKind
from pillarbox.wire.imap.errors import CODES, code_for


def test_every_kind_has_a_code():
    assert set(CODES) == set(FailureKind)
    assert all(code.replace(b"-", b"").isalpha() and code.isupper() for code in CODES.values())


def test_a_missing_target_can_be_created():
    assert code_for(FailureKind.NOT_FOUND, target=True) == b"TRYCREATE"
    assert code_for(FailureKind.NOT_FOUND) == b"NONEXISTENT"
    assert code_for(FailureKind.OVER_QUOTA, target=True) == b"OVERQUOTA"
