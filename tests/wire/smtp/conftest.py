"""A scripted handler for SMTP dialogs: it answers every event with what the script says, and keeps the events."""

from collections.abc import Callable

import pytest

from pillarbox.wire.session import ProtocolError, Signal
from pillarbox.wire.smtp import commands as c
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.config import SmtpConfig
from pillarbox.wire.smtp.ehlo import hello_reply
from pillarbox.wire.smtp.replies import LmtpReplies, Reply
from pillarbox.wire.smtp.session import SmtpSession
from pillarbox.wire.smtp.state import Role

DEFAULTS: dict[type, Reply] = {
    c.StartTls: replies.READY_FOR_TLS,
    c.Auth: replies.challenge(b""),
    c.AuthResponse: replies.AUTHENTICATED,
    c.AuthCancelled: replies.AUTH_CANCELLED,
    c.Mail: replies.SENDER_OK,
    c.Rcpt: replies.RECIPIENT_OK,
    c.DataStart: replies.START_MAIL_INPUT,
    c.BdatChunkEnd: replies.OK,
    c.BodyEnd: replies.OK,
    c.Rset: replies.RESET,
    c.Verify: replies.CANNOT_VERIFY,
    c.Expand: replies.NOT_IMPLEMENTED,
    c.Help: replies.reply(214, "2.0.0", "See RFC 5321"),
    c.Noop: replies.OK,
    c.Quit: replies.BYE,
}


class Desk:
    """A session and its scripted handler. `answers` maps an event's type to the reply it gets instead of the usual one;
    a list is used up one by one."""

    def __init__(self, config: SmtpConfig, answers: dict[type, Reply | list[Reply]] | None = None) -> None:
        self.session = SmtpSession(config)
        self.answers = answers or {}
        self.events: list[object] = []
        self.output = self.session.send(replies.reply(220, "", "mx.example.test ready"))

    def answer(self, event: object) -> bytes:
        if isinstance(event, c.Hello):
            return self.session.send(hello_reply(self.session, event))
        if isinstance(event, c.BodyChunk):
            return b""
        given = self.answers.get(type(event)) or (
            event.reply if isinstance(event, c.BodyFailed) else DEFAULTS[type(event)]
        )
        reply = given.pop(0) if isinstance(given, list) else given
        if self.session.lmtp and isinstance(event, (c.BodyEnd, c.BodyFailed)):
            return self.session.send(LmtpReplies((reply,) * self.session.replies_due))
        return self.session.send(reply)

    def say(self, data: bytes) -> str:
        """What the client gets for what it says, codes and texts."""
        self.output = b""
        self.session.receive_data(data)
        while True:
            event = self.session.next_event()
            if isinstance(event, Signal):
                self.last_signal = event
                return self.output.decode()
            self.events.append(event)
            self.output += event.answer if isinstance(event, ProtocolError) else self.answer(event)

    def codes(self, data: bytes) -> list[str]:
        """The codes of what the client gets: "250 2.1.0", "354"."""
        found = []
        for line in self.say(data).splitlines():
            if line[3] == " ":
                words = line.split(" ", 2)
                found.append(" ".join(words[:2]) if words[1:2] and words[1].count(".") == 2 else words[0])
        return found

    def body(self) -> bytes:
        """Everything that came as the content of messages."""
        return b"".join(event.data for event in self.events if isinstance(event, c.BodyChunk))

    def took(self, kind: type) -> list[object]:
        return [event for event in self.events if type(event) is kind]


@pytest.fixture
def desk() -> Callable[..., Desk]:
    """Makes a `Desk`; settings of `SmtpConfig` as keywords."""

    def make(
        role: Role = Role.SMTP,
        answers: dict[type, Reply | list[Reply]] | None = None,
        hello: bool = True,
        **settings: object,
    ) -> Desk:
        made = Desk(SmtpConfig(role, "mx.example.test", **settings), answers)  # type: ignore[arg-type]
        if hello:
            made.say(b"LHLO c.test\r\n" if role is Role.LMTP else b"EHLO c.test\r\n")
        return made

    return make
