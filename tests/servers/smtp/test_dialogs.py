"""Every dialog in tests/dialogs/smtp.

Settings of a dialog: `role:` smtp (the default), submission or lmtp; `peer:` the clients' address; `tls:` yes where the
port begins with TLS, never where there is none; `greeting:` no where the dialog itself hears the greeting; `size:`,
`recipients:` and `errors:` as in [smtp]. Commands:

    ! fail sender|recipient|outcome ADDRESS KIND   what the transport says from now on, at MAIL, at RCPT, at the end
    ! fail message KIND                            ... or of the next messages as a whole; KIND "none" ends it
    ! kept PROTOCOL SENDER RECIPIENT ...           this and nothing else was accepted since the last such line
    ! text TEXT                                    the last one accepted has this text; "|" stands for CRLF
    ! counted NAME LABELS N                        what the counters say
    ! logged EVENT NAME=VALUE ...                  a line in the first client's log
    ! shutdown | timeout | crash                   what the pump may do to the first client
"""

import asyncio
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Smtp
from pillarbox.model.failure import Failure
from pillarbox.testing.dialog import Peer, Player, Script
from pillarbox.testing.smtphouse import TLS, SmtpHouse
from pillarbox.wire.smtp.state import Role

DIALOGS = Path(__file__).parent.parent.parent / "dialogs" / "smtp"
SCRIPTS = sorted(DIALOGS.glob("*.txt"))


class Stage:
    """The server for one script."""

    def __init__(self, settings: dict[str, str], spool: Path) -> None:
        self.settings = settings
        smtp = Smtp(
            message_size=int(settings.get("size", "10000")),
            recipients=int(settings.get("recipients", "100")),
            errors=int(settings.get("errors", "20")),
        )
        role = Role(settings.get("role", "smtp"))
        self.house = SmtpHouse(role, spool, smtp, tls_offered=settings.get("tls") != "never")
        self.seen = 0

    async def open(self, number: int) -> Peer:
        tls = TLS if self.settings.get("tls") == "yes" else None
        one = await self.house.connect(self.settings.get("peer", "192.0.2.1"), tls)
        if self.settings.get("greeting") != "no":
            assert one.take().startswith(b"220 ")
        return one

    async def direct(self, text: str) -> None:
        word, _, rest = text.partition(" ")
        if word == "fail":
            self.fail(*rest.split())
        elif word == "kept":
            fresh = self.house.intake.accepted[self.seen :]
            self.seen = len(self.house.intake.accepted)
            found = [" ".join([m.origin.protocol, m.mail.reverse_path or "<>", *m.addresses]) for m in fresh]
            assert found == ([rest] if rest else []), found
        elif word == "text":
            assert self.house.intake.accepted[-1].data == rest.replace("|", "\r\n").encode()
        elif word == "counted":
            name, _, number = rest.rpartition(" ")
            assert self.house.counters.sums.get(name, 0) == float(number), self.house.counters.sums
        elif word == "logged":
            event, *fields = rest.split("; ")
            lines = [
                found
                for name, values in self.house.peers[0].connection.logged
                if name == event and {f"{key}={value}" for key, value in values.items()} >= set(found := fields)
            ]
            assert lines, self.house.peers[0].connection.logged
        else:
            await self.pump(word)

    def fail(self, what: str, *words: str) -> None:
        *address, kind = words
        intake = self.house.intake
        if what == "message":
            intake.message_failure = failure(kind) if kind != "none" else None
            return
        where = {
            "sender": intake.sender_failures,
            "recipient": intake.recipient_failures,
            "outcome": intake.outcomes,
        }[what]
        where[address[0]] = failure(kind)

    async def pump(self, word: str) -> None:
        one = self.house.peers[0]
        if word == "shutdown":
            await one.handler.shutting_down()
        elif word == "timeout":
            await one.handler.timed_out()
        elif word == "crash":
            await one.handler.crashed()
        else:
            raise ValueError(f"nobody knows how to {word}")
        one.look()


def failure(kind: str) -> Failure:
    return Failure(FailureKind(kind), f"It is {kind}")


@pytest.mark.parametrize("path", SCRIPTS, ids=[path.stem for path in SCRIPTS])
def test_dialog(path: Path, tmp_path: Path) -> None:
    async def play() -> None:
        script = Script.parse(path.read_text())
        stage = Stage(script.settings, tmp_path)
        await stage.house.move_in()
        try:
            await Player(stage.open, stage.direct).play(script)
        finally:
            stage.house.close()

    asyncio.run(play())
    assert list(tmp_path.iterdir()) == []
