"""First words, and whether something is attached."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.message import parse
from pillarbox.mime.preview import LONGEST, has_attachment, preview, squeeze, strip_html


def of(letter: bytes) -> str:
    return preview(parse(letter))


def test_a_plain_text_is_squeezed_and_cut() -> None:
    assert of(b"\r\n  Hello,\r\n\r\n\tworld \0 \xc2\xa0 !\r\n") == "Hello, world !"
    long = of(b"\r\n" + b"word " * 1000)
    assert LONGEST - 1 <= len(long) <= LONGEST
    assert of(b"") == ""


def test_a_character_at_the_cut_is_not_broken() -> None:
    for pad in range(4):
        text = b"x" * pad + b" " * 2000 + "é".encode() * 100
        assert "Ã" not in of(b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text)
        coded = base64.encodebytes(b"x" * pad + "é".encode() * 5000)
        assert "Ã" not in of(b"Content-Transfer-Encoding: base64\r\n\r\n" + coded)


def test_plain_text_goes_before_html() -> None:
    html = b"--b\r\nContent-Type: text/html\r\n\r\n<p>Rich</p>\r\n"
    plain = b"--b\r\n\r\nPlain\r\n"
    head = b"Content-Type: multipart/alternative; boundary=b\r\n\r\n"
    assert of(head + html + plain) == "Plain"
    assert of(head + html) == "Rich"
    assert of(head + b"--b\r\n\r\n \r\n" + html) == "Rich"
    assert of(head + b"--b\r\nContent-Disposition: attachment\r\n\r\nfile\r\n" + html) == "Rich"
    assert of(b"Content-Type: image/png\r\n\r\nxx") == ""
    assert of(b"Content-Transfer-Encoding: x-made-up\r\n\r\nxx") == ""


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<p>Hello</p><p>world</p>", "Hello world"),
        ("<b>H</b>ello", "Hello"),
        ("a<br>b", "a b"),
        ("<style>p { color: red }</style>x<SCRIPT>if (a < b) {}</SCRIPT >y", "x y"),
        ("<!-- <p>no</p> -->yes", "yes"),
        ("<!DOCTYPE html><html><title>t</title>x", "x"),
        ("1 < 2 &amp;&lt;&#233;&nbsp;x", "1 < 2 &<é x"),
        ("a<unclosed", "a"),
        ("a<!-- unclosed", "a"),
        ("a<style>unclosed", "a"),
        ("x&zwnj;&#8199;&shy;y", "x y"),
        ("&#" + "9" * 10_000 + ";", "�"),
    ],
)
def test_markup_is_taken_off(markup: str, expected: str) -> None:
    assert squeeze(strip_html(markup)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"Content-Type: text/plain", False),
        (b"Content-Type: text/plain\r\nContent-Disposition: attachment", True),
        (b"Content-Type: text/calendar", False),
        (b"Content-Type: application/pdf", True),
        (b"Content-Type: image/png\r\nContent-ID: <x>", False),
        (b"Content-Type: image/png\r\nContent-ID: <x>\r\nContent-Disposition: inline", False),
        (b"Content-Type: image/png\r\nContent-ID: <x>\r\nContent-Disposition: attachment", True),
        (b"Content-Type: application/pgp-signature; name=s.asc", False),
        (b"Content-Type: message/delivery-status", False),
        (b"Content-Type: message/rfc822", True),
    ],
)
def test_what_counts_as_attached(fields: bytes, expected: bool) -> None:
    assert has_attachment(parse(fields + b"\r\n\r\nx")) is expected
    head = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n"
    assert has_attachment(parse(head + fields + b"\r\n\r\nx\r\n--b--")) is expected


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab<>/!-&#;\0 sé", max_size=80))
def test_anything_has_a_preview(text: str) -> None:
    found = of(b"Content-Type: text/html; charset=utf-8\r\n\r\n" + text.encode())
    assert len(found) <= LONGEST
    assert found.isprintable()
