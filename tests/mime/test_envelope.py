"""ENVELOPE, byte for byte. The first answer is the example of RFC 3501 section 8."""

import pytest

from pillarbox.mime.envelope import envelope
from pillarbox.mime.message import parse
from pillarbox.testing.imaplist import check_envelope, read_list


def test_the_example_of_the_rfc() -> None:
    letter = (
        b"Date: Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\r\nFrom: Terry Gray <gray@cac.washington.edu>\r\n"
        b"Subject: IMAP4rev1 WG mtg summary and minutes\r\nTo: imap@cac.washington.edu\r\n"
        b"cc: minutes@CNRI.Reston.VA.US, John Klensin <KLENSIN@MIT.EDU>\r\n"
        b"Message-Id: <B27397-0100000@cac.washington.edu>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n"
    )
    assert envelope(parse(letter)) == (
        b'("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) '
        b'(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) '
        b'((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL '
        b'"<B27397-0100000@cac.washington.edu>")'
    )


def fields(letter: bytes) -> list[object]:
    found = read_list(envelope(parse(letter + b"\r\n\r\n")))
    check_envelope(found)
    return found


def test_sender_and_reply_to_of_their_own() -> None:
    found = fields(b"From: a@b.test\r\nSender: s@b.test\r\nReply-To: r@b.test")
    assert found[2:5] == [[[None, None, b, b"b.test"]] for b in (b"a", b"s", b"r")]
    found = fields(b"From: a@b.test\r\nSender:\r\nReply-To: ,")
    assert found[3] == found[4] == found[2]


def test_a_letter_without_fields() -> None:
    assert envelope(parse(b"")) == b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"


def test_groups() -> None:
    assert fields(b"To: Team: a@b.test, c@d.test;, e@f.test")[5] == [
        [None, None, b"Team", None],
        [None, None, b"a", b"b.test"],
        [None, None, b"c", b"d.test"],
        [None, None, None, None],
        [None, None, b"e", b"f.test"],
    ]
    assert fields(b"To: undisclosed-recipients:;")[5] == [
        [None, None, b"undisclosed-recipients", None],
        [None, None, None, None],
    ]


def test_a_missing_domain_is_no_group() -> None:
    assert fields(b"From: root")[2] == [[None, None, b"root", b""]]


def test_routes_and_quoted_local_parts() -> None:
    assert fields(b'From: "a b" <@r.test:"x y"@b.test>')[2] == [[b"a b", b"@r.test", b"x y", b"b.test"]]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (b'say "hi" \\o/', b'say "hi" \\o/'),
        (b"one\r\n two", b"one two"),
        (b"nul\0", b"nul?"),
        (b"lone\rreturn", b"lone\rreturn"),
        (b"utf \xc3\xa9", b"utf \xc3\xa9"),
        (b"latin \xe9", b"latin \xc3\xa9"),
        (b"=?utf-8?q?=C3=A9?=", b"=?utf-8?q?=C3=A9?="),
        (b"", b""),
    ],
)
def test_subjects_stay_valid_imap(subject: bytes, expected: bytes) -> None:
    assert fields(b"Subject: " + subject)[1] == expected


def test_literals_are_synchronising() -> None:
    assert b"{7}\r\nutf \xc3\xa9" not in envelope(parse(b"Subject: plain\r\n\r\n"))
    assert b"{6}\r\nutf \xc3\xa9" in envelope(parse(b"Subject: utf \xc3\xa9\r\n\r\n"))


def test_repeated_address_fields_are_one_list() -> None:
    found = fields(b"To: a@b.test\r\nTo: c@d.test\r\nSubject: x\r\nSubject: y")
    assert found[5] == [[None, None, b"a", b"b.test"], [None, None, b"c", b"d.test"]]
    assert found[1] == b"x"
