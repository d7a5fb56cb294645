"""Address lists as people and programs write them."""

import email.utils

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.mime.address import Address, Addresses, Group, display, mailboxes, parse

A = Address


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@b.test", [A(None, None, b"a", b"b.test")]),
        (b"<a@b.test>", [A(None, None, b"a", b"b.test")]),
        (b"John Doe <j.d@b.test>", [A(b"John Doe", None, b"j.d", b"b.test")]),
        (b"John Q. Public <j@b.test>", [A(b"John Q. Public", None, b"j", b"b.test")]),
        (b'"Doe, John" <j@b.test>', [A(b"Doe, John", None, b"j", b"b.test")]),
        (b'"J \\"D\\" \\\\" <j@b.test>', [A(b'J "D" \\', None, b"j", b"b.test")]),
        (b"a@b.test, C <c@d.test>", [A(None, None, b"a", b"b.test"), A(b"C", None, b"c", b"d.test")]),
        (b"a@b.test (A Name)", [A(b"A Name", None, b"a", b"b.test")]),
        (b"(x (nested) y) a@b.test", [A(b"x (nested) y", None, b"a", b"b.test")]),
        (b"N (c) <a@b.test>", [A(b"N", None, b"a", b"b.test")]),
        (b"N <a@b.test (c)>", [A(b"N", None, b"a", b"b.test")]),
        (b"N <@r1.test,@r2.test:a@b.test>", [A(b"N", b"@r1.test,@r2.test", b"a", b"b.test")]),
        (b'"odd local"@b.test', [A(None, None, b"odd local", b"b.test")]),
        (b'<"odd@local"@b.test>', [A(None, None, b"odd@local", b"b.test")]),
        (b"a . b @ c . test", [A(None, None, b"a.b", b"c.test")]),
        (b"a@[192.0.2.1]", [A(None, None, b"a", b"[192.0.2.1]")]),
        (b"a@[IPv6:2001:db8::1]", [A(None, None, b"a", b"[IPv6:2001:db8::1]")]),
        (b"J\xc3\xb6rg <j@b.test>", [A(b"J\xc3\xb6rg", None, b"j", b"b.test")]),
        (b"j\xc3\xb6@b\xc3\xbc.test", [A(None, None, b"j\xc3\xb6", b"b\xc3\xbc.test")]),
        (b"=?utf-8?q?J=C3=B6rg?= <j@b.test>", [A(b"=?utf-8?q?J=C3=B6rg?=", None, b"j", b"b.test")]),
        (b"root", [A(None, None, b"root", b"")]),
        (b"<root>", [A(None, None, b"root", b"")]),
        (b"a@b.test; c@d.test", [A(None, None, b"a", b"b.test"), A(None, None, b"c", b"d.test")]),
        (b"a@b.test <a@b.test>", [A(b"a@b.test", None, b"a", b"b.test")]),
        (b"John Doe j@b.test", [A(b"John Doe", None, b"j", b"b.test")]),
        (b", ,a@b.test,,", [A(None, None, b"a", b"b.test")]),
        (b"<a@b.test", [A(None, None, b"a", b"b.test")]),
        (b"N <>", [A(b"N", None, b"", b"")]),
        (b"<>", []),
        (b"", []),
        (b" , ", []),
        (b"undisclosed-recipients:;", [Group(b"undisclosed-recipients", ())]),
        (
            b"The Team: a@b.test, C <c@d.test>; e@f.test",
            [
                Group(b"The Team", (A(None, None, b"a", b"b.test"), A(b"C", None, b"c", b"d.test"))),
                A(None, None, b"e", b"f.test"),
            ],
        ),
        (
            b"x@y.test, G: a@b.test",
            [A(None, None, b"x", b"y.test"), Group(b"G", (A(None, None, b"a", b"b.test"),))],
        ),
    ],
)
def test_known_answers(value: bytes, expected: Addresses) -> None:
    assert parse(value) == expected


def test_the_mailboxes_of_a_group_count_too() -> None:
    found = parse(b"G: a@b.test, c@d.test;, e@f.test")
    assert [entry.local for entry in mailboxes(found)] == [b"a", b"c", b"e"]


def test_display_decodes_names() -> None:
    found = parse(b"=?utf-8?q?J=C3=B6rg?= <j@b.test>, G: x@y.test;, \xc3\xa9@z.test")
    assert display(found) == "Jörg <j@b.test>, G: x@y.test;, é@z.test"


ATOM = st.text(alphabet="abcXYZ019_-+", min_size=1, max_size=8)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.text(alphabet='ab ,;:<>@"\\().', max_size=12), ATOM, ATOM), min_size=1, max_size=5))
def test_what_the_standard_library_writes_is_read_back(entries: list[tuple[str, str, str]]) -> None:
    wanted = [(" ".join(name.split()), f"{local}@{domain}.test") for name, local, domain in entries]
    value = ", ".join(email.utils.formataddr(pair) for pair in wanted).encode()
    found = mailboxes(parse(value))
    assert [
        ((entry.name or b"").decode(), f"{entry.local.decode()}@{entry.domain.decode()}") for entry in found
    ] == wanted


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet='ab <>@"\\():;,.[]\t\0é', max_size=60))
def test_anything_is_read_as_something(value: str) -> None:
    for entry in mailboxes(parse(value.encode())):
        assert isinstance(entry, Address)
    display(parse(value.encode()))
