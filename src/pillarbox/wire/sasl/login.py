"""LOGIN: name and password asked for one after the other.

Never a standard (draft-murchison-sasl-login), but spoken by old mail programs. An initial response is taken
as the name.
"""

from pillarbox.base.saslprep import saslprep
from pillarbox.wire.sasl.steps import Challenge, CheckPassword, Exchange, Malformed, Rejected, Step


class LoginExchange(Exchange):
    """Two questions, two answers."""

    __slots__ = ("_name", "_over")

    def __init__(self) -> None:
        self._name = ""
        self._over = False

    def step(self, response: bytes | None) -> Step:
        if self._over:
            return Malformed("the exchange is over")
        if response is None:
            return Challenge(b"Username:" if not self._name else b"Password:")
        try:
            text = response.decode()
        except UnicodeDecodeError:
            self._over = True
            return Malformed("name or password is not UTF-8")
        if not text or "\0" in text:
            self._over = True
            return Malformed("name or password is empty or holds a NUL")
        if not self._name:
            self._name = text
            return Challenge(b"Password:")
        self._over = True
        name, password = saslprep(self._name), saslprep(text)
        if not name or not password:
            return Rejected("name or password holds a prohibited character")
        return CheckPassword("", name, password)
