"""Whatever a client sends: no exception, well-formed replies, no file left, and nothing accepted that was not answered 250.

Seeded: pieces of dialogs in any order, damaged, cut anywhere, in every role.
"""

import asyncio
import random
import re
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Smtp
from pillarbox.model.failure import Failure
from pillarbox.testing.smtphouse import TLS, SmtpHouse, SmtpPeer
from pillarbox.wire.session import TlsInfo
from pillarbox.wire.smtp.state import Role

PIECES = (
    b"EHLO client.test\r\n",
    b"HELO client.test\r\n",
    b"LHLO client.test\r\n",
    b"STARTTLS\r\n",
    b"AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABwYXNz\r\n",
    b"AUTH LOGIN\r\nYWxpY2VAZXhhbXBsZS50ZXN0\r\ncGFzcw==\r\n",
    b"AUTH SCRAM-SHA-256 biwsbj1hbGljZUBleGFtcGxlLnRlc3Qscj1hYmM=\r\n",
    b"AUTH PLAIN\r\n",
    b"*\r\n",
    b"MAIL FROM:<carol@elsewhere.test> SIZE=20\r\n",
    b"MAIL FROM:<>\r\n",
    b"MAIL FROM:<j\xc3\xb6rg@elsewhere.test> SMTPUTF8 BODY=BINARYMIME RET=FULL ENVID=x\r\n",
    b"MAIL FROM:<refused@elsewhere.test>\r\n",
    b"RCPT TO:<alice@example.test>\r\n",
    b"RCPT TO:<bob@example.test> NOTIFY=NEVER ORCPT=rfc822;bob@example.test\r\n",
    b"RCPT TO:<nobody@example.test>\r\n",
    b"RCPT TO:<full@example.test>\r\n",
    b"RCPT TO:<Postmaster>\r\n",
    b"DATA\r\n",
    b"Subject: x\r\n\r\n..text\r\n",
    b"text\r\n" * 100,
    b"lone\nfeed\rreturn",
    b".\r\n",
    b"\r\n.\r\n",
    b"BDAT 5\r\nab\r\nc",
    b"BDAT 600\r\n" + b"x" * 600,
    b"BDAT 3 LAST\r\nabc",
    b"BDAT 0 LAST\r\n",
    b"RSET\r\n",
    b"VRFY alice\r\n",
    b"EXPN list\r\n",
    b"HELP\r\n",
    b"NOOP\r\n",
    b"\r\n",
    b"QUIT\r\n",
)
REPLIES = re.compile(rb"(?:[2345][0-9]{2}(?:-[^\r\n]*|(?: [^\r\n]*)?)\r\n)*")
BEGINNINGS = {
    Role.SMTP: b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\n",
    Role.SUBMISSION: b"EHLO c\r\nAUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABwYXNz\r\nMAIL FROM:<alice@example.test>\r\n"
    b"RCPT TO:<bob@example.test>\r\n",
    Role.LMTP: b"LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nRCPT TO:<full@example.test>\r\n",
}


def damaged(source: random.Random, data: bytes) -> bytes:
    """The same with an octet changed, dropped, doubled or put in, mostly not at all."""
    if source.random() > 0.1:
        return data
    at = source.randrange(len(data))
    new = source.choice((b"", b"\r", b"\n", b"\0", b"\xff", b" ", b".", b"<", data[at : at + 1] * 2, b"A" * 3000))
    return data[:at] + new + data[at + 1 :]


def stream(source: random.Random, role: Role) -> bytes:
    begin = BEGINNINGS[role] if source.random() < 0.6 else b""
    return begin + b"".join([damaged(source, source.choice(PIECES)) for _ in range(source.randrange(1, 40))])


async def talk(source: random.Random, peer: SmtpPeer, data: bytes) -> bytes:
    """Sends it in pieces; everything that was answered."""
    heard = [peer.take()]
    while data and not peer.closed:
        size = source.choice((1, 7, 60, 1000, 100_000))
        await peer.send(data[:size])
        data = data[size:]
        heard.append(peer.take())
    ending = source.random()
    if ending < 0.3 and not peer.closed:
        await peer.handler.shutting_down()
    elif ending < 0.6 and not peer.closed:
        await peer.handler.timed_out()
    heard.append(peer.take())
    peer.look()
    await peer.send(b"")
    assert peer.closed
    return b"".join(heard)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("seed", range(6))
def test_anything(role: Role, seed: int, tmp_path: Path) -> None:
    async def run() -> None:
        source = random.Random(f"{role} {seed}")
        house = SmtpHouse(role, tmp_path, Smtp(spool_above=300, message_size=700, errors=30, recipients=5))
        await house.move_in()
        house.intake.sender_failures["refused@elsewhere.test"] = Failure(FailureKind.NOT_ALLOWED, "No")
        house.intake.recipient_failures["nobody@example.test"] = Failure(FailureKind.NOT_FOUND, "No\r\n250 yes")
        house.intake.outcomes["full@example.test"] = Failure(FailureKind.OVER_QUOTA, "Full")
        for _ in range(150):
            before = len(house.intake.accepted)
            tls: TlsInfo | None = source.choice((None, TLS))
            peer = await house.connect(source.choice(("127.0.0.1", "192.0.2.1", "fe80::1%eth0", "?")), tls)
            heard = await talk(source, peer, stream(source, role))
            assert REPLIES.fullmatch(heard), heard
            kept = heard.count(b" Ok: kept as ")
            accepted = [letter.addresses for letter in house.intake.accepted[before:]]
            if role is Role.LMTP:
                assert kept == sum(map(len, accepted))
            else:
                # What is kept for some only is answered 452.
                assert 0 <= len(accepted) - kept <= heard.count(b"452 4.2.2 Full")
        assert len(house.intake.accepted) > 10
        assert list(tmp_path.iterdir()) == []

    asyncio.run(run())
