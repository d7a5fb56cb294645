"""Parameters of Content-Type and Content-Disposition."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.parameter import Params, content_type, disposition, get, parse, text, token


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"text/plain; charset=utf-8", ((b"charset", b"utf-8"),)),
        (b'text/plain; Charset="utf-8"; format=flowed', ((b"charset", b"utf-8"), (b"format", b"flowed"))),
        (b"text/plain; charset=us-ascii (Plain text)", ((b"charset", b"us-ascii"),)),
        (b"text/plain;charset = utf-8 ;", ((b"charset", b"utf-8"),)),
        (b'x/y; name="a;b\\"c\\\\"', ((b"name", b'a;b"c\\'),)),
        (b"x/y; name=my file.pdf", ((b"name", b"my file.pdf"),)),
        (b'x/y; name="unclosed', ((b"name", b"unclosed"),)),
        (b'x/y; name=""', ((b"name", b""),)),
        (b"x/y; =b; ; c", ()),
        (b"x/y", ()),
        (
            b'message/external-body; URL*0="ftp://"; URL*1="cs.utk.edu/pub/moore/bulk-mailer.tar"',
            ((b"url", b"ftp://cs.utk.edu/pub/moore/bulk-mailer.tar"),),
        ),
        (
            b"application/x-stuff; title*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
            ((b"title*", b"us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"),),
        ),
        (
            b"application/x-stuff; title*0*=us-ascii'en'This%20is%20even%20more%20; "
            b'title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn\'t it!"',
            ((b"title*", b"us-ascii'en'This%20is%20even%20more%20%2A%2A%2Afun%2A%2A%2A%20isn%27t it!"),),
        ),
        (b"x/y; a*1=two; b=z; a*0=one", ((b"a", b"onetwo"), (b"b", b"z"))),
    ],
)
def test_known_answers(value: bytes, expected: Params) -> None:
    assert parse(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"x/y; name*=utf-8''caf%C3%A9.pdf", "café.pdf"),
        (b"x/y; name*=iso-8859-1'fr'caf%E9", "café"),
        (b"x/y; name*=caf%C3%A9", "café"),
        (b"x/y; name*0*=''caf; name*1*=%C3%A9", "café"),
        (b'x/y; name*0="a%b\'c"; name*1*=%C3%A9', "a%b'cé"),
        (b'x/y; name="=?utf-8?q?caf=C3=A9?="', "café"),
        (b'x/y; name="caf\xc3\xa9"', "café"),
        (b"x/y; name=plain; name*=utf-8''caf%C3%A9", "café"),
        (b"x/y", None),
    ],
)
def test_parameters_as_text(value: bytes, expected: str | None) -> None:
    assert text(parse(value), b"name") == expected


def test_content_type() -> None:
    assert content_type(b" Text / HTML ; charset=x") == (b"text", b"html", ((b"charset", b"x"),))
    assert content_type(b"text") is None
    assert content_type(b"") is None
    assert content_type(b"text/") is None
    assert content_type(b"a/b/c") == (b"a", b"b", ())


def test_disposition_and_token() -> None:
    assert disposition(b"Attachment; filename=x") == (b"attachment", ((b"filename", b"x"),))
    assert disposition(b"; filename=x") is None
    assert token(b' "Base64" (comment)') == b"base64"
    assert token(b"") is None
    assert get(((b"a", b"1"),), b"b") is None


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab*01='%\"\\;( )/", max_size=60))
def test_anything_is_read(value: str) -> None:
    params = parse(value.encode())
    for name, _ in params:
        text(params, name.rstrip(b"*"))
