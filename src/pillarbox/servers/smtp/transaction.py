"""A mail transaction while it goes on: from MAIL to the end of the message.

Holds what was accepted so far, and the message in a `Spool`. A spool that fails (no room on disk) fails the
transaction: the rest of the message is thrown away as it comes, and the end is answered with that failure.
"""

from pathlib import Path

from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.transaction import Addressee, MailFrom, Origin
from pillarbox.servers.spool import Spool


class Transaction:
    """One transaction. `discard` ends it and may be called more than once."""

    __slots__ = ("_failure", "_spool", "addressees", "mail", "origin")

    def __init__(self, mail: MailFrom, origin: Origin) -> None:
        self.mail = mail
        self.origin = origin
        self.addressees: list[Addressee] = []
        self._spool: Spool | None = None
        self._failure: Failure | None = None

    def add(self, chunk: bytes, directory: Path, spool_above: int) -> None:
        """Takes the next octets of the message; never raises."""
        if self._failure is not None:
            return
        if self._spool is None:
            self._spool = Spool(directory, spool_above)
        try:
            self._spool.add(chunk)
        except Failure as failure:
            self._failure = failure
            self._spool.discard()

    def check(self) -> None:
        """Raises the Failure that the message met while it came, if there was one."""
        if self._failure is not None:
            raise self._failure

    def body(self) -> Body:
        """The whole message, valid until `discard`. Raises Failure."""
        self.check()
        return self._spool.finish() if self._spool is not None else Body(b"")

    def discard(self) -> None:
        """Lets go of the message."""
        if self._spool is not None:
            self._spool.discard()
            self._spool = None
