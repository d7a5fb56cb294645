"""The trace of a message: what it has been through, and the fields that this server adds for each recipient.

A message has gone in circles for all when it carries more Received fields than the limit, and for one recipient
when it carries the Delivered-To field that this server writes for that very address. Reads the header only.
"""

from pillarbox.base.failure import FailureKind
from pillarbox.mime import trace
from pillarbox.mime.buffer import Buffer
from pillarbox.model.failure import Failure
from pillarbox.model.transaction import MailFrom, Origin


class Trail:
    """The trace fields of one message; addresses are compared without case."""

    def __init__(self, data: Buffer, received_limit: int) -> None:
        """Raises Failure(LOOP) where the message has passed more than `received_limit` servers."""
        header = _header(data)
        passed = trace.count_received(header)
        if passed > received_limit:
            raise Failure(
                FailureKind.LOOP, f"The message has been through {passed} servers and seems to be going in circles"
            )
        found = trace.find_delivered_to(header) if b"delivered-to" in header.lower() else ()
        self._delivered_to = frozenset([value.decode("utf-8", "replace").strip().lower() for value in found])

    def loop_at(self, address: str) -> Failure | None:
        """The failure of a recipient for whom the message was here before."""
        if address.lower() not in self._delivered_to:
            return None
        return Failure(FailureKind.LOOP, f"The message was delivered to {address} before and has come back")


class Marks:
    """The trace fields to be added to one message."""

    def __init__(self, mail: MailFrom, origin: Origin, hostname: str, name: str, only: str, at: int) -> None:
        """`name` is what the log calls this message, `only` its recipient where there is just one, `at` the time."""
        hop = trace.Hop(
            helo=_octets(origin.hello),
            client_name=b"",
            client_address=_octets(origin.client),
            by=_octets(hostname),
            protocol=_octets(origin.protocol),
            id=_octets(name),
            recipient=_octets(only),
            cipher=_octets(origin.tls),
            at=at,
        )
        self._first = trace.return_path(_octets(mail.reverse_path))
        self._last = trace.received(hop)

    def for_recipient(self, address: str) -> bytes:
        """Return-Path, Delivered-To and Received (RFC 5321 section 4.4)."""
        return self._first + trace.delivered_to(_octets(address)) + self._last


def _header(data: Buffer) -> bytes:
    if data[:2] == b"\r\n":
        return b""
    end = data.find(b"\r\n\r\n")
    return data[: end + 2] if end >= 0 else data[:]


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "replace")
