"""How often a person may log in: LOGIN-DELAY (RFC 2449 section 6.5), the same in all workers and over restarts.

The time of a person's last login is that of an empty file with the number of their account, in a directory that all
workers share. Nothing is written where no delay is set. Whoever asks holds the maildrop's lock, so that two logins
cannot be let in at once. A last login in the future (the clock was set back) holds nobody up.

Raises Failure(UNAVAILABLE) where the directory cannot be used.
"""

import os
from pathlib import Path

from pillarbox.base.clock import MICROSECONDS, Clock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId


class LoginDelay:
    """See the module's contract."""

    __slots__ = ("_clock", "_directory", "_seconds")

    def __init__(self, directory: Path, seconds: int, clock: Clock) -> None:
        """`seconds` between two logins of one person, 0 for none; `directory` is made when it is first needed."""
        self._directory = directory
        self._seconds = seconds
        self._clock = clock

    def remaining(self, account: AccountId) -> int:
        """Whole seconds until the person may log in, 0 for now."""
        if not self._seconds:
            return 0
        try:
            last = os.stat(self._file(account)).st_mtime_ns // 1000
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise _unavailable(error) from error
        passed = self._clock.now() - last
        left = self._seconds * MICROSECONDS - passed
        return -(-left // MICROSECONDS) if passed >= 0 and left > 0 else 0

    def entered(self, account: AccountId) -> None:
        """The person has logged in now."""
        if not self._seconds:
            return
        nanoseconds = self._clock.now() * 1000
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            path = self._file(account)
            path.touch(mode=0o600)
            os.utime(path, ns=(nanoseconds, nanoseconds))
        except OSError as error:
            raise _unavailable(error) from error

    def _file(self, account: AccountId) -> Path:
        return self._directory / str(account)


def _unavailable(error: OSError) -> Failure:
    return Failure(FailureKind.UNAVAILABLE, "The time of the last login cannot be kept; try again later.", error)
