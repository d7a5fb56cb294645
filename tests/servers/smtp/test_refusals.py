"""Every kind of failure, everywhere it can come from, gets an answer that keeps the dialog in step."""

import asyncio
import re
from pathlib import Path

import pytest

from pillarbox.base.failure import TEMPORARY, FailureKind
from pillarbox.model.directory import Person
from pillarbox.model.failure import Failure
from pillarbox.servers.smtp.refusals import AUTH_CODES, MAX_FAILED_LOGINS
from pillarbox.testing.memorydirectory import MemoryDirectory
from pillarbox.testing.smtphouse import TLS, SmtpHouse
from pillarbox.wire.smtp.errors import CODES
from pillarbox.wire.smtp.state import Role

AUTH_REPLIES = {501, 504, 534, 535, 538, 432, 454, 451, 452, 450, 530, 550, 552, 554}
ALICE = b"AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABwYXNz\r\n"


@pytest.mark.parametrize("kind", FailureKind)
@pytest.mark.parametrize("role", [Role.SMTP, Role.LMTP])
def test_in_a_transaction(kind: FailureKind, role: Role, tmp_path: Path) -> None:
    house = SmtpHouse(role, tmp_path)
    failure = Failure(kind, "A sentence")
    wanted = re.compile(rb"%d %b A sentence\r\n" % (CODES[kind].code, CODES[kind].enhanced.encode()))

    async def run() -> None:
        peer = await house.connect()
        await peer.command("LHLO c" if role is Role.LMTP else "EHLO c")
        house.intake.sender_failures["a@b.test"] = failure
        assert wanted.fullmatch(await peer.command("MAIL FROM:<a@b.test>"))
        await peer.command("MAIL FROM:<>")
        house.intake.recipient_failures["a@b.test"] = failure
        assert wanted.fullmatch(await peer.command("RCPT TO:<a@b.test>"))
        await peer.command("RCPT TO:<alice@example.test>")
        house.intake.outcomes["alice@example.test"] = failure
        await peer.send(b"DATA\r\n.\r\n")
        assert wanted.search(peer.take())
        house.intake.message_failure = failure
        await peer.send(b"MAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nBDAT 0 LAST\r\n")
        assert wanted.search(peer.take())
        assert await peer.command("NOOP") == b"250 2.0.0 Ok\r\n"

    asyncio.run(run())
    assert house.counters.sums[f"failures {role.value} {kind.value}"] == 3
    assert house.counters.sums[f"messages_rejected {role.value} {kind.value}"] == 2
    assert house.counters.sums[f"recipients_rejected {role.value} {kind.value}"] == 2


class Moody(MemoryDirectory):
    """Answers every login with one failure."""

    failure: Failure

    async def verify_password(self, login: str, password: str, client: str) -> Person:
        raise self.failure


@pytest.mark.parametrize("kind", FailureKind)
def test_while_logging_in(kind: FailureKind, tmp_path: Path) -> None:
    directory = Moody()
    directory.failure = Failure(kind, "A sentence")
    house = SmtpHouse(Role.SUBMISSION, tmp_path, directory=directory)
    codes = AUTH_CODES.get(kind, CODES[kind])
    answers: list[bytes] = []

    async def run() -> None:
        peer = await house.connect(tls=TLS)
        await peer.command("EHLO c")
        for _ in range(MAX_FAILED_LOGINS + 1):
            await peer.send(ALICE)
            answers.append(peer.take())

    asyncio.run(run())
    assert answers[0] == f"{codes.code} {codes.enhanced} A sentence\r\n".encode()
    assert codes.code in AUTH_REPLIES and (codes.code < 500) >= (kind in TEMPORARY)
    if kind is FailureKind.UNAVAILABLE:
        assert answers[-1] == answers[0]
    else:
        assert answers[MAX_FAILED_LOGINS - 1].startswith(b"421 4.7.0") and answers[-1] == b""


def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    house = SmtpHouse(Role.SUBMISSION, tmp_path)

    async def run() -> None:
        await house.move_in()
        peer = await house.connect(tls=TLS)
        await peer.command("EHLO c")
        await peer.send(b"AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==\r\n")
        assert house.slept == [2.0]
        await peer.send(ALICE)
        assert house.slept == [2.0] and peer.take().endswith(b"235 2.7.0 Authentication successful\r\n")

    asyncio.run(run())
