"""How addresses are read and compared."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.base.failure import FailureKind
from pillarbox.directory.address import Address, parse_address, parse_domain, quoted, split_detail
from pillarbox.model.failure import Failure

LOCALS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)
DOMAINS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?(\.[a-z]{2,4}){1,2}", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("alice@example.org", "alice@example.org"),
        ("Alice.B+News@EXAMPLE.org", "alice.b+news@example.org"),
        ("alice@example.org.", "alice@example.org"),
        ('"alice"@example.org', "alice@example.org"),
        ('"a\\lice b"@example.org', '"alice b"@example.org'),
        ('"a@b"@example.org', '"a@b"@example.org'),
        ("o'neil!#$%&*/=?^_`{|}~@example.org", "o'neil!#$%&*/=?^_`{|}~@example.org"),
        ("Jose\u0301@example.org", "jos\u00e9@example.org"),
        ("STRASSE@example.org", "strasse@example.org"),
        ("x@b\u00fccher.example", "x@xn--bcher-kva.example"),
        ("x@B\u00dcCHER.example", "x@xn--bcher-kva.example"),
        ("x@[192.0.2.1]", "x@[192.0.2.1]"),
        ("x@[IPv6:2001:DB8::1]", "x@[ipv6:2001:db8::1]"),
        ("x@localhost", "x@localhost"),
        ("x@_a.b--c.example", "x@_a.b--c.example"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)
def test_keys(text: str, key: str) -> None:
    assert parse_address(text).key == key


@pytest.mark.parametrize(
    "text",
    [
        "", "@", "a", "a@", "@example.org", "a b@example.org", "a@b c", ".a@example.org", "a.@example.org",
        "a..b@example.org", "a@b@example.org", "a@.org", "a@example..org", "a@-a.org", "a@a-.org", "a@" + "x" * 64,
        "a@" + "a." * 130 + "org", "x" * 65 + "@example.org", "\u00e9" * 33 + "@example.org", "a\x00b@example.org",
        '"a\nb"@example.org', '"a@example.org', "a@exa\u2028mple.org", "a@[", "a@[]", "a@[x y]", "<a@example.org>",
        "a@example.org\r\n", "a\udc80@example.org", "a@\udc80.org", "a@xn--" + "\u00fc" * 70 + ".org",
    ],
)  # fmt: skip
def test_what_is_no_address_is_explained(text: str) -> None:
    with pytest.raises(Failure) as raised:
        parse_address(text)
    assert raised.value.kind is FailureKind.INVALID
    assert raised.value.public.isprintable()
    assert len(raised.value.public) < 300


@given(LOCALS, DOMAINS)
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read_again(local: str, domain: str) -> None:
    address = Address(local, domain)
    again = parse_address(address.text)
    assert again == address
    assert parse_address(again.key).key == again.key


@given(LOCALS, DOMAINS)
@settings(max_examples=200, deadline=None)
def test_case_does_not_matter(local: str, domain: str) -> None:
    if len(local.upper().encode()) <= 64:
        assert (
            parse_address(Address(local.upper(), domain.upper()).text).key == Address(local.upper().lower(), domain).key
        )


@given(st.text(alphabet=string.printable + '\u00e9\u2603@@.."\\', max_size=80))
@settings(max_examples=500, deadline=None)
def test_no_text_upsets_the_parser(text: str) -> None:
    try:
        address = parse_address(text)
    except Failure as failure:
        assert failure.kind is FailureKind.INVALID
    else:
        assert parse_address(address.text) == address


def test_domains() -> None:
    assert parse_domain("Example.ORG.") == "example.org"
    with pytest.raises(Failure, match="is not a domain"):
        parse_domain("not a domain")


@pytest.mark.parametrize(
    ("local", "separator", "parts"),
    [
        ("alice+news", "+", ("alice", "news")),
        ("alice+a+b", "+", ("alice", "a+b")),
        ("alice+", "+", ("alice", "")),
        ("+news", "+", None),
        ("alice", "+", None),
        ("alice+news", "", None),
        ("alice--news", "--", ("alice", "news")),
    ],
)
def test_details(local: str, separator: str, parts: tuple[str, str] | None) -> None:
    assert split_detail(local, separator) == parts


def test_quotes_only_where_needed() -> None:
    assert quoted("a.b") == "a.b"
    assert quoted('a"\\ b') == '"a\\"\\\\ b"'
