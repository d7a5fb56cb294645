"""Writing simple letters."""

import email
import email.policy

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime import part
from pillarbox.mime.address import mailboxes
from pillarbox.mime.address import parse as parse_addresses
from pillarbox.mime.compose import compose, field
from pillarbox.mime.encodedword import decode
from pillarbox.mime.header import unfold
from pillarbox.mime.message import parse


def test_a_plain_letter() -> None:
    assert compose(
        {"From": "Alice <alice@example.test>", "To": "bob@example.test", "Subject": "Hello"}, "Hi,\nBob"
    ) == (
        b"From: Alice <alice@example.test>\r\nTo: bob@example.test\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHi,\r\nBob\r\n"
    )


def test_other_alphabets() -> None:
    letter = compose({"From": '"Müller, Jörg" <j@example.test>', "Subject": "Grüße"}, "Grüße\naus Köln\n")
    assert letter.isascii()
    parsed = email.message_from_bytes(letter, policy=email.policy.default)
    assert parsed["subject"] == "Grüße"
    assert parsed["from"].addresses[0].display_name == "Müller, Jörg"
    assert parsed.get_content().replace("\r\n", "\n") == "Grüße\naus Köln\n"


def test_a_value_cannot_add_a_field() -> None:
    assert field("Subject", "a\r\nBcc: x@y.test\n") == b"Subject: a Bcc: x@y.test\r\n"
    assert field("To", "a@b.test\r\nBcc: x@y.test").count(b"\r\n") == 1


def test_addresses_are_quoted_where_needed() -> None:
    assert field("To", '"Doe, J" <j@b.test>, G: "a b"@c.test;') == b'To: "Doe, J" <j@b.test>, G: "a b"@c.test;\r\n'


def test_long_fields_are_folded() -> None:
    written = field("To", ", ".join(f"Person {n} <p{n}@example.test>" for n in range(20)))
    assert all(len(line) <= 78 for line in written.split(b"\r\n"))
    assert len(mailboxes(parse_addresses(unfold(written[3:])))) == 20


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200).filter(lambda text: text.isprintable()))
def test_subjects_come_back(subject: str) -> None:
    written = field("Subject", subject)
    assert decode(unfold(written[8:])) == subject.strip()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="ab \n\t=.ä€\0", max_size=300))
def test_texts_come_back(text: str) -> None:
    message = parse(compose({"Subject": "x"}, text))
    body = part.text(message, message.root).replace("\r\n", "\n")
    assert body == (text if text.endswith("\n") or not text else text + "\n")
    assert all(len(line) <= 998 for line in message.data[:].split(b"\r\n"))
