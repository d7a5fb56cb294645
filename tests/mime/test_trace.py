"""Trace fields, written and read."""

from pillarbox.mime.trace import Hop, count_received, delivered_to, find_delivered_to, received, return_path

HOP = Hop(
    helo=b"client.test",
    client_name=b"mx.client.test",
    client_address=b"2001:db8::1",
    by=b"mail.example.test",
    protocol=b"ESMTPS",
    id=b"abc123",
    recipient=b"alice@example.test",
    cipher=b"TLSv1.3 TLS_AES_256_GCM_SHA384",
    at=1_700_000_000_000_000,
)


def test_received_says_who_gave_what_to_whom() -> None:
    assert received(HOP) == (
        b"Received: from client.test (mx.client.test [IPv6:2001:db8::1])\r\n"
        b"\t(using TLSv1.3 TLS_AES_256_GCM_SHA384) by mail.example.test with ESMTPS\r\n"
        b"\tid abc123 for <alice@example.test>; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


def test_received_without_what_is_not_known() -> None:
    hop = HOP._replace(helo=b"", client_name=b"", client_address=b"", recipient=b"", cipher=b"")
    assert received(hop) == (
        b"Received: from unknown by mail.example.test with ESMTPS id abc123;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


def test_a_peer_cannot_write_into_the_field() -> None:
    field = received(HOP._replace(helo=b"x)\r\nSubject: gotcha; (", client_address=b"192.0.2.1"))
    assert field.startswith(b"Received: from xSubject:gotcha (mx.client.test [192.0.2.1])\r\n\t")
    assert return_path(b"a@b\r\n.test>") == b"Return-Path: <a@b.test>\r\n"


def test_lines_are_folded() -> None:
    field = received(HOP._replace(helo=b"h" * 70, by=b"b" * 70))
    assert all(len(line) <= 90 for line in field.split(b"\r\n"))
    assert all(line.startswith(b"\t") for line in field.split(b"\r\n")[1:-1])


def test_loops_are_counted() -> None:
    header = (
        b"Return-Path: <>\r\n" + received(HOP) * 3 + b"received : x\r\nX-Received: no\r\nA: b\r\n\tReceived: no\r\n"
    )
    assert count_received(header) == 4
    assert count_received(b"") == 0


def test_deliveries_are_found() -> None:
    header = delivered_to(b"bob@x.test") + b"Subject: x\r\n" + delivered_to(b"alice@x.test") + b"\r\n"
    assert find_delivered_to(header) == (b"bob@x.test", b"alice@x.test")
    assert return_path(b"") == b"Return-Path: <>\r\n"


def test_a_quoted_local_part_stays_as_it_is() -> None:
    assert return_path(b'"a (b) <c>"@x.test') == b'Return-Path: <"a (b) <c>"@x.test>\r\n'
    assert delivered_to(b'"a b"@x.test') == b'Delivered-To: "a b"@x.test\r\n'
