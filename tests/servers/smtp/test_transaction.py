"""Transactions: what reaches the transport, what waits on disk, and what is left when it goes wrong."""

import asyncio
import os
from mmap import mmap
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Smtp
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.transaction import Addressee, DsnRequest, MailFrom, Origin
from pillarbox.testing.memoryintake import MemoryIntake
from pillarbox.testing.smtphouse import TLS, SmtpHouse, SmtpPeer
from pillarbox.wire.smtp.state import Role

LINE = b"0123456789012345678901234567890123456789012345678901234567\r\n"


class Watching(MemoryIntake):
    """Remembers what kind of body it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[type] = []

    async def accept(
        self, mail: MailFrom, addressees: tuple[Addressee, ...], body: Body, origin: Origin
    ) -> list[Failure | None]:
        self.bodies.append(type(body.data))
        return await super().accept(mail, addressees, body, origin)


def open_spools(directory: Path) -> int:
    """Files of this process that lie in `directory`, those without a name among them."""
    found = 0
    for name in os.listdir("/proc/self/fd"):
        try:
            found += os.readlink(f"/proc/self/fd/{name}").startswith(str(directory))
        except FileNotFoundError:
            continue
    return found


async def ready(house: SmtpHouse, *recipients: str, parameters: str = "") -> SmtpPeer:
    """A connection whose transaction waits for the message."""
    peer = await house.connect()
    await peer.command("LHLO client.test" if peer.session.lmtp else "EHLO client.test")
    assert (await peer.command(f"MAIL FROM:<carol@elsewhere.test>{parameters}")).startswith(b"250")
    for recipient in recipients or ("alice@example.test",):
        assert (await peer.command(f"RCPT TO:{recipient}" if "<" in recipient else f"RCPT TO:<{recipient}>"))[:3] == (
            b"250"
        )
    return peer


def test_what_the_transport_is_told(house: SmtpHouse) -> None:
    async def run() -> None:
        peer = await ready(
            house,
            "<alice@example.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;al@example.test",
            "<bob@example.test>",
            parameters=" SIZE=10 BODY=8BITMIME RET=HDRS ENVID=QQ+2B1 SMTPUTF8 AUTH=<>",
        )
        await peer.send(b"DATA\r\nhello\r\n.\r\n")

    asyncio.run(run())
    (letter,) = house.intake.accepted
    assert letter.mail == MailFrom("carol@elsewhere.test", "HDRS", "QQ+2B1", True, "8BITMIME", 10)
    assert [addressee.dsn for addressee in house.intake.addressees] == [
        DsnRequest("SUCCESS,DELAY", "rfc822;al@example.test"),
        DsnRequest(),
    ]
    assert letter.origin == Origin("192.0.2.1", "client.test", "UTF8SMTP", None, "test", "", "test.1")


def test_who_has_logged_in_and_how_private_it_was(tmp_path: Path) -> None:
    house = SmtpHouse(Role.SUBMISSION, tmp_path)

    async def run() -> None:
        await house.move_in()
        peer = await house.connect(tls=TLS)
        await peer.command("EHLO [192.0.2.1]")
        await peer.command("AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABwYXNz")
        await peer.send(b"MAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n.\r\n")

    asyncio.run(run())
    origin = house.intake.accepted[0].origin
    assert origin.sender is not None and origin.sender.address == "alice@example.test"
    assert origin._replace(sender=None) == Origin(
        "192.0.2.1", "[192.0.2.1]", "ESMTPSA", None, "test", "TLSv1.3 TLS_AES_256_GCM_SHA384", "test.1"
    )


@pytest.mark.parametrize(("lines", "kind"), [(10, bytes), (16, bytes), (17, mmap), (40_000, mmap)])
def test_large_messages_wait_on_disk(tmp_path: Path, lines: int, kind: type) -> None:
    intake = Watching()
    house = SmtpHouse(Role.SMTP, tmp_path, Smtp(spool_above=16 * len(LINE)), intake=intake)
    message = LINE * lines

    async def run() -> None:
        peer = await ready(house)
        await peer.send(b"DATA\r\n")
        for begin in range(0, len(message), 50_000):
            await peer.send(message[begin : begin + 50_000])
        assert open_spools(tmp_path) == (kind is mmap)
        await peer.send(b".\r\n")
        assert b"250 2.0.0 Ok" in peer.take()

    asyncio.run(run())
    assert intake.bodies == [kind]
    assert intake.accepted[0].data == message
    assert open_spools(tmp_path) == 0


@pytest.mark.parametrize("goodbye", ["vanish", "rset", "hello", "too large", "timeout"])
def test_nothing_is_left_of_what_did_not_end(tmp_path: Path, goodbye: str) -> None:
    house = SmtpHouse(Role.SMTP, tmp_path, Smtp(spool_above=1000, message_size=10_000))

    async def run() -> None:
        peer = await ready(house)
        if goodbye in ("rset", "hello"):
            await peer.send(b"BDAT 6000\r\n" + LINE * 100)
        else:
            await peer.send(b"DATA\r\n" + LINE * 100)
        assert open_spools(tmp_path) == 1
        if goodbye == "vanish":
            await peer.send(b"")
            assert peer.closed
        elif goodbye == "too large":
            await peer.send(LINE * 100 + b".\r\n")
            assert b"552 5.3.4" in peer.take()
        elif goodbye == "timeout":
            await peer.handler.timed_out()
            peer.look()
        else:
            await peer.command("RSET" if goodbye == "rset" else "EHLO again.test")
        assert open_spools(tmp_path) == 0

    asyncio.run(run())
    assert house.intake.accepted == []


@pytest.mark.parametrize("role", [Role.SMTP, Role.LMTP])
@pytest.mark.parametrize("how", ["DATA", "BDAT", "BDAT LAST"])
def test_no_room_on_disk(tmp_path: Path, role: Role, how: str) -> None:
    """The rest of the message is read and thrown away, and the connection goes on."""
    house = SmtpHouse(role, tmp_path / "missing", Smtp(spool_above=1000))
    lmtp = role is Role.LMTP

    async def run() -> None:
        peer = await ready(house, "alice@example.test", "bob@example.test")
        if how == "DATA":
            await peer.send(b"DATA\r\n" + LINE * 20)
            await peer.send(LINE * 20 + b".\r\n")
            assert peer.take().count(b"\r\n451 4.3.0") == (2 if lmtp else 1)
        elif how == "BDAT":
            await peer.send(b"BDAT 1200\r\n" + LINE * 20 + b"BDAT 60 LAST\r\n" + LINE)
            assert [line[:9] for line in peer.take().splitlines()] == [b"451 4.3.0", b"503 5.5.1"]
        else:
            await peer.send(b"BDAT 1200 LAST\r\n" + LINE * 20)
            assert peer.take().count(b"451 4.3.0") == (2 if lmtp else 1)
        assert await peer.command("NOOP") == b"250 2.0.0 Ok\r\n"
        assert (await peer.command("MAIL FROM:<>")).startswith(b"250")

    asyncio.run(run())
    assert house.intake.accepted == []


def test_the_cause_of_a_failure_is_for_the_log_only(house: SmtpHouse) -> None:
    house.intake.message_failure = Failure(FailureKind.UNAVAILABLE, "Try later", OSError("the secret reason"))

    async def run() -> SmtpPeer:
        peer = await ready(house)
        await peer.send(b"DATA\r\n.\r\n")
        return peer

    peer = asyncio.run(run())
    answer = peer.take()
    assert answer.endswith(b"451 4.3.0 Try later\r\n") and b"secret" not in answer
    event, fields = peer.connection.logged[-1]
    assert event == "message refused" and fields["cause"] == "OSError('the secret reason')"


def test_a_bug_in_the_transport_keeps_nothing_open(tmp_path: Path) -> None:
    class Broken(MemoryIntake):
        async def accept(self, *_: object) -> list[Failure | None]:
            raise ZeroDivisionError

    broken = SmtpHouse(Role.SMTP, tmp_path, Smtp(spool_above=1000), intake=Broken())

    async def run() -> None:
        peer = await ready(broken)
        with pytest.raises(ZeroDivisionError):
            await peer.send(b"DATA\r\n" + LINE * 100 + b".\r\n")
        peer.take()
        await peer.handler.crashed()
        assert peer.take() == b"421 4.3.0 Internal error, try again later\r\n"
        peer.look()
        assert peer.closed and open_spools(tmp_path) == 0

    asyncio.run(run())


def test_a_bounce_goes_to_several(house: SmtpHouse) -> None:
    async def run() -> None:
        peer = await house.connect()
        await peer.send(
            b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n.\r\n"
        )

    asyncio.run(run())
    (letter,) = house.intake.accepted
    assert letter.mail.reverse_path == "" and letter.addresses == ("alice@example.test", "bob@example.test")
