"""What a message says it has been through, and what is added to it."""

import mmap

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.transaction import MailFrom, Origin
from pillarbox.transport.trail import Marks, Trail

HOP = b"Received: from a by b;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"


def test_hops_are_counted_in_the_header_only() -> None:
    Trail(HOP * 3 + b"\r\n" + HOP * 9, 3)
    Trail(b"\r\n" + HOP * 9, 3)
    Trail(b"Subject: x\r\n folded Received: y\r\nX-Received: z\r\n\r\n", 0)
    with pytest.raises(Failure, match="been through 4 servers") as raised:
        Trail(HOP * 3 + b"RECEIVED : by hand\r\n\r\n", 3)
    assert raised.value.kind is FailureKind.LOOP


def test_a_message_without_an_end_of_its_header() -> None:
    for data in (b"", b"\r\n", b"x", HOP, b"\r"):
        Trail(data, 1)


def test_delivered_to_is_compared_without_case() -> None:
    trail = Trail(b"delivered-TO:  Alice@Example.test \r\nDelivered-To: bob@example.test\r\n\r\n", 50)
    for address in ("alice@example.test", "ALICE@example.test", "bob@example.test"):
        failure = trail.loop_at(address)
        assert failure is not None
        assert failure.kind is FailureKind.LOOP
    assert trail.loop_at("carol@example.test") is None
    assert Trail(b"X: Delivered-To: a@b\r\n\r\nDelivered-To: a@b\r\n", 50).loop_at("a@b") is None


def test_a_spool_is_read_like_bytes() -> None:
    data = b"Delivered-To: a@example.test\r\n\r\n" + b"x" * 10_000
    with mmap.mmap(-1, len(data)) as spool:
        spool.write(data)
        assert Trail(spool, 50).loop_at("a@example.test") is not None


def test_marks_end_lines_properly_whatever_the_peer_said() -> None:
    origin = Origin("2001:db8::1", "evil\r\nSubject: x", "ESMTPA", None, "s")
    marks = Marks(MailFrom("a>\r\nBcc: b@x"), origin, "mail.example.test", "s.1", "", 0)
    lines = marks.for_recipient("b@example.test\r\nX: y").split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines if line[:1] not in (b"\t", b"")] == [
        b"Return-Path", b"Delivered-To", b"Received",
    ]  # fmt: skip
    assert b"[IPv6:2001:db8::1]" in b"".join(lines)
