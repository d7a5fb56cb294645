"""PLAIN: name and password in one message (RFC 4616)."""

from pillarbox.base.saslprep import saslprep
from pillarbox.wire.sasl.steps import Challenge, CheckPassword, Exchange, Malformed, Rejected, Step


class PlainExchange(Exchange):
    """message = [authzid] UTF8NUL authcid UTF8NUL passwd"""

    __slots__ = ("_over",)

    def __init__(self) -> None:
        self._over = False

    def step(self, response: bytes | None) -> Step:
        if self._over:
            return Malformed("the exchange is over")
        if response is None:
            return Challenge(b"")
        self._over = True
        try:
            fields = response.decode().split("\0")
        except UnicodeDecodeError:
            return Malformed("name or password is not UTF-8")
        if len(fields) != 3 or not fields[1] or not fields[2]:
            return Malformed("PLAIN takes [authzid] NUL authcid NUL password")
        authzid, authcid, password = (saslprep(field) for field in fields)
        if authzid is None or not authcid or not password:
            return Rejected("name or password holds a prohibited character")
        return CheckPassword(authzid, authcid, password)
