"""A house for each test, and a way to run its coroutine."""

from pathlib import Path

import pytest

from pillarbox.base.settings import Smtp
from pillarbox.testing.smtphouse import SmtpHouse
from pillarbox.wire.smtp.state import Role


@pytest.fixture
def house(tmp_path: Path) -> SmtpHouse:
    """An SMTP server; messages of more than 1,000 octets wait on disk."""
    return SmtpHouse(Role.SMTP, tmp_path, Smtp(spool_above=1000))
