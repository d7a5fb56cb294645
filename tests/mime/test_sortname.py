"""The first address of an ENVELOPE, against the parser it was made with."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime import envelope
from pillarbox.mime.address import Group
from pillarbox.mime.message import parse
from pillarbox.mime.sortname import CC, FROM, TO, FirstAddress, display_key, first_address, mailbox_key

ADDRESSES = [b"", b"a@b", b"Amy <amy@x>", b'"Q \\"u\\" (" <q@z>', b"team: a@b, c@d;", b"none:;, x@y", b'"a b"@c',
             b"=?utf-8?q?J=C3=B6rg?= <j@k>", b"caf\xc3\xa9 <c@d>", b"plain", b"<@r:l@d>", b",", b"x" * 1100 + b"@y"]  # fmt: skip
lists = st.lists(st.sampled_from(ADDRESSES), max_size=3).map(b", ".join)


@settings(max_examples=300, deadline=None)
@given(
    lists, lists, lists, st.sampled_from([b"", b"Sender: s@t\r\n", b"Subject: \xc3\xa9 {5}\r\n", b'Subject: "(\\\r\n'])
)
def test_as_parsed(from_: bytes, to: bytes, cc: bytes, more: bytes) -> None:
    letter = more + b"From: %b\r\nTo: %b\r\nCc: %b\r\n\r\n" % (from_, to, cc)
    fields = envelope.read(parse(letter).root.header)
    rendered = envelope.render(fields)
    for field, addresses in ((FROM, fields.from_), (TO, fields.to), (CC, fields.cc)):
        first = addresses[0] if addresses else None
        found = first_address(rendered, field)
        if first is None:
            assert found == FirstAddress(None, None, None)
        elif isinstance(first, Group):
            assert found == FirstAddress(None, first.name, None)
        else:
            assert found == FirstAddress(first.name, first.local, first.domain)


@pytest.mark.parametrize(
    ("value", "mailbox", "shown"),
    [
        (b"=?utf-8?q?J=C3=B6rg?= <ann@K>", "ANN", "JO\u0308RG"),
        (b"ann@K", "ANN", "ANN@K"),
        (b"=?utf-8?q?=C3=A4?=: a@b;", "=?UTF-8?Q?=C3=A4?=", "A\u0308"),
        (b"", "", ""),
    ],
)
def test_what_is_sorted_by(value: bytes, mailbox: str, shown: str) -> None:
    rendered = envelope.envelope(parse(b"From: " + value + b"\r\n\r\n"))
    assert mailbox_key(rendered, FROM) == mailbox
    assert display_key(rendered, FROM) == shown
