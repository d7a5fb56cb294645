"""A scripted handler for POP3 dialogs: it answers every event with what the script says, and keeps the events."""

from collections.abc import Callable

import pytest

from pillarbox.wire.pop3 import commands as c
from pillarbox.wire.pop3 import replies
from pillarbox.wire.pop3.capa import capa_reply
from pillarbox.wire.pop3.config import Pop3Config
from pillarbox.wire.pop3.replies import Continue, DotStuffer, Listing, Ok, Reply
from pillarbox.wire.pop3.session import Pop3Session
from pillarbox.wire.session import ProtocolError, Signal

MESSAGE = b"Subject: x\r\n\r\n.dot\r\n"
DEFAULTS: dict[type, Reply] = {
    c.User: replies.SEND_PASSWORD,
    c.Pass: Ok("Maildrop open"),
    c.Auth: Continue(b""),
    c.AuthResponse: Ok("Maildrop open"),
    c.AuthCancelled: replies.AUTH_CANCELLED,
    c.Stls: replies.BEGIN_TLS,
    c.Utf8: replies.UTF8_ON,
    c.Stat: Ok("1 20"),
    c.List: Listing("1 message", [b"1 20"]),
    c.Uidl: Listing("", [b"1 abc"]),
    c.Retr: Ok("20 octets"),
    c.Top: Ok(),
    c.Dele: Ok("Marked"),
    c.Rset: Ok(),
    c.Noop: Ok(),
    c.Quit: replies.BYE,
}


class Desk:
    """A session and its scripted handler. `answers` maps an event's type to the reply it gets instead of the usual one;
    a list is used up one by one."""

    def __init__(self, config: Pop3Config, answers: dict[type, Reply | list[Reply]] | None = None) -> None:
        self.session = Pop3Session(config)
        self.answers = answers or {}
        self.events: list[object] = []
        self.output = self.session.send(Ok("POP3 ready"))

    def answer(self, event: object) -> bytes:
        if isinstance(event, c.Capa):
            return self.session.send(capa_reply(self.session))
        given = self.answers.get(type(event)) or DEFAULTS[type(event)]
        reply = given.pop(0) if isinstance(given, list) else given
        sent = self.session.send(reply)
        if isinstance(event, (c.Retr, c.Top)) and isinstance(reply, Ok):
            stuffer = DotStuffer()
            sent += stuffer.stuff(MESSAGE) + stuffer.end()
        return sent

    def say(self, data: bytes) -> str:
        """What the client gets for what it says."""
        self.output = b""
        self.session.receive_data(data)
        while True:
            event = self.session.next_event()
            if isinstance(event, Signal):
                self.last_signal = event
                return self.output.decode()
            self.events.append(event)
            self.output += event.answer if isinstance(event, ProtocolError) else self.answer(event)

    def took(self, kind: type) -> list[object]:
        return [event for event in self.events if type(event) is kind]


@pytest.fixture
def desk() -> Callable[..., Desk]:
    """Makes a `Desk`; settings of `Pop3Config` as keywords. `login` opens the maildrop."""

    def make(answers: dict[type, Reply | list[Reply]] | None = None, login: bool = False, **settings: object) -> Desk:
        settings = {"tls_required_for_auth": False, **settings}
        made = Desk(Pop3Config("mx.example.test", **settings), answers)  # type: ignore[arg-type]
        if login:
            made.say(b"USER bob\r\n")
            made.say(b"PASS secret\r\n")
            made.events.clear()
        return made

    return make
