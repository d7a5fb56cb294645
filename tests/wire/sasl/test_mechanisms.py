"""Which mechanisms there are and when they are offered."""

import pytest

from pillarbox.wire.sasl.mechanisms import MECHANISMS, offered, start
from pillarbox.wire.sasl.steps import Exchange


@pytest.mark.parametrize("name", MECHANISMS)
def test_every_mechanism_starts(name: str) -> None:
    assert isinstance(start(name, b"binding", disguise_key=b"k"), Exchange)


def test_any_other_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="CRAM-MD5"):
        start("CRAM-MD5", None, disguise_key=b"k")


def test_what_is_offered() -> None:
    assert offered(MECHANISMS, private=True, allowed_in_clear=False) == MECHANISMS
    assert offered(MECHANISMS, private=False, allowed_in_clear=False) == ()
    assert offered(MECHANISMS, private=False, allowed_in_clear=True) == ("SCRAM-SHA-256", "PLAIN", "LOGIN")
