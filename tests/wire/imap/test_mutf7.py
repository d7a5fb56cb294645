"""Modified UTF-7: one encoding for each name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.imap import mutf7


@pytest.mark.parametrize(
    ("encoded", "name"),
    [
        (b"INBOX", "INBOX"),
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # RFC 3501 section 5.1.3
        (b"&Jjo-!", "☺!"),
        (b"Entw&APw-rfe", "Entwürfe"),
        (b"a&-b", "a&b"),
        (b"&2D3cqQ-", "💩"),
        (b"", ""),
        (b"&AAk-", "\t"),
    ],
)
def test_known_names(encoded, name):
    assert mutf7.decode(encoded) == name
    assert mutf7.encode(name) == encoded


@pytest.mark.parametrize(
    "encoded",
    [
        b"&",
        b"a&",
        b"&Jjo",
        b"&Jjo!",  # RFC 3501: not ended
        b"&U,BTFw-&ZeVnLIqe-",  # RFC 3501: superfluous shift
        b"&AGE-",  # "a" needs no base64
        b"&ACY-",  # nor does "&"
        b"&AAA",
        b"&A-",
        b"&AB-",
        b"&Jjp-",  # padding bits set
        b"&2D0-",  # half a surrogate pair
        b"caf\xc3\xa9",
        b"a\tb",
        b"a\x7fb",
        b"&*-",
    ],
)
def test_any_other_encoding_is_refused(encoded):
    with pytest.raises(ValueError):
        mutf7.decode(encoded)


def test_lone_surrogates_cannot_be_encoded():
    with pytest.raises(ValueError):
        mutf7.encode("\ud83d")


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_round_trip(name):
    encoded = mutf7.encode(name)
    assert encoded.isascii()
    assert mutf7.decode(encoded) == name


@settings(max_examples=300, deadline=None)
@given(st.text("&-,AaJo2D3cq+/! é", max_size=15).map(lambda text: text.encode("latin-1")))
def test_what_decodes_encodes_back(encoded):
    try:
        name = mutf7.decode(encoded)
    except ValueError:
        return
    assert mutf7.encode(name) == encoded
