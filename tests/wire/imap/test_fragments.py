"""Framing: lines, literals, limits, and staying in step after garbage."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.imap.fragments import (
    CHUNK,
    Announced,
    Chunk,
    Framer,
    Literal,
    Overlong,
    StreamEnd,
    Text,
    literal_marker,
)


def drain(framer, decide=lambda announced: "absorb"):
    """All fragments that can be had; each announcement is decided by `decide`."""
    found = []
    while (fragment := framer.next_fragment()) is not None:
        found.append(fragment)
        if isinstance(fragment, Announced):
            {"absorb": framer.absorb, "stream": framer.stream, "refuse": framer.refuse}[decide(fragment)]()
    return found


def joined(fragments):
    """Neighbouring chunks as one, since how a stream is cut depends on how it arrived."""
    result = []
    for fragment in fragments:
        if isinstance(fragment, Chunk) and result and isinstance(result[-1], Chunk):
            result[-1] = Chunk(result[-1].data + fragment.data)
        else:
            result.append(fragment)
    return result


def three_ways(data, decide=lambda announced: "absorb", max_line=100):
    """The fragments of `data` fed whole; the same must come out byte by byte, and before trailing data."""
    whole = Framer(max_line)
    whole.receive(data)
    expected = joined(drain(whole, decide))
    single = Framer(max_line)
    found = []
    for index in range(len(data)):
        single.receive(data[index : index + 1])
        found += drain(single, decide)
    assert joined(found) == expected
    more = Framer(max_line)
    more.receive(data + b"z NOOP\r\nrest")
    assert joined(drain(more, decide)) == [*expected, Text(b"z NOOP", False)]
    assert more.pending == 4
    return expected


@pytest.mark.parametrize(
    ("line", "literal"),
    [
        (b"a {3}", Literal(3, True, False)),
        (b"a {3+}", Literal(3, False, False)),
        (b"a ~{3}", Literal(3, True, True)),
        (b"a ~{3+}", Literal(3, False, True)),
        (b"{0}", Literal(0, True, False)),
        (b"{99999999999999999999}", Literal(99999999999999999999, True, False)),
        (b"a {999999999999999999999999}", None),
        (b"a {3} ", None),
        (b"a {}", None),
        (b"a {+}", None),
        (b"a {-3}", None),
        (b"a {3-}", None),
        (b"a 3}", None),
        (b"}", None),
        (b"", None),
    ],
)
def test_an_announcement_is_seen_at_the_end_of_a_line(line, literal):
    assert literal_marker(line) == literal


def test_a_line_ends_with_crlf_or_lf():
    assert three_ways(b"a NOOP\r\nb NOOP\n\r\n") == [
        Text(b"a NOOP", False),
        Text(b"b NOOP", False),
        Text(b"", False),
    ]


def test_literals_become_part_of_the_command():
    assert three_ways(b"a LOGIN {3}\r\nb\r\n {2+}\r\nxy\r\n") == [
        Announced(b"a LOGIN {3}", Literal(3, True, False), 0),
        Announced(b"a LOGIN {3}", Literal(2, False, False), 1),
        Text(b"a LOGIN {3}\r\nb\r\n {2+}\r\nxy", False),
    ]


def test_a_literal_announced_with_a_bare_lf_is_normalised():
    assert three_ways(b"a X {1+}\nb\n")[-1] == Text(b"a X {1+}\r\nb", False)


def test_a_streamed_literal_comes_in_chunks():
    assert three_ways(b"a APPEND x {5}\r\nhello\r\n", lambda _: "stream") == [
        Announced(b"a APPEND x {5}", Literal(5, True, False), 0),
        Chunk(b"hello"),
        StreamEnd(),
        Text(b"", False),
    ]


def test_an_empty_literal_can_be_streamed():
    assert three_ways(b"a APPEND x {0}\r\n\r\n", lambda _: "stream")[1:] == [StreamEnd(), Text(b"", False)]


def test_chunks_are_limited():
    framer = Framer(100)
    framer.receive(b"a {%d+}\r\n" % (3 * CHUNK) + b"x" * (3 * CHUNK))
    chunks = [fragment for fragment in drain(framer, lambda _: "stream") if isinstance(fragment, Chunk)]
    assert [len(chunk.data) for chunk in chunks] == [CHUNK] * 3


def test_a_refused_synchronising_literal_never_comes():
    assert three_ways(b"a X {5}\r\nb NOOP\r\n", lambda _: "refuse")[1:] == [Text(b"b NOOP", False)]


def test_a_refused_non_synchronising_literal_is_swallowed_with_its_command():
    data = b"a X {9+}\r\nc NOOP\r\n1 {2+}\r\nxx more\r\nb NOOP\r\n"
    assert three_ways(data, lambda _: "refuse")[1:] == [Text(b"b NOOP", False)]


def test_swallowing_ends_where_the_client_waits():
    data = b"a X {1+}\r\nc {5}\r\nb NOOP\r\n"
    assert three_ways(data, lambda _: "refuse")[1:] == [Text(b"b NOOP", False)]


def test_a_stream_can_be_refused_midway():
    framer = Framer(100)
    framer.receive(b"a X {9+}\r\nabc")
    assert framer.next_fragment() == Announced(b"a X {9+}", Literal(9, False, False), 0)
    framer.stream()
    assert framer.next_fragment() == Chunk(b"abc")
    framer.refuse()
    framer.receive(b"defghi\r\nb NOOP\r\n")
    assert drain(framer) == [Text(b"b NOOP", False)]


def test_a_stream_can_be_refused_behind_its_last_octet():
    framer = Framer(100)
    framer.receive(b"a X {1+}\r\nx")
    drain(framer, lambda _: "stream")
    framer.refuse()
    framer.receive(b" tail {3+}\r\nabc\r\nb NOOP\r\n")
    assert drain(framer) == [Text(b"b NOOP", False)]


def test_an_overlong_line_is_reported_once_and_skipped():
    line = b"a " + b"x" * 200
    assert three_ways(line + b"\r\nb NOOP\r\n")[-1] == Text(b"b NOOP", False)
    framer = Framer(100)
    framer.receive(line)
    assert isinstance(framer.next_fragment(), Overlong)
    for _ in range(50):
        framer.receive(b"y" * 1000)
        assert framer.next_fragment() is None
        assert framer.pending == 0


@pytest.mark.parametrize("cut", [0, 150, 195, 200, 204])
def test_an_overlong_line_takes_its_literal_along(cut):
    data = b"a " + b"x" * 198 + b" {9+}\r\nc NOOP\r\n1\r\nb NOOP\r\n"
    framer = Framer(100)
    framer.receive(data[:cut])
    found = drain(framer)
    framer.receive(data[cut:])
    found += drain(framer)
    assert [type(fragment) for fragment in found] == [Overlong, Text]
    assert found[-1] == Text(b"b NOOP", False)


def test_the_cap_is_on_all_lines_of_a_command_together():
    framer = Framer(100)
    framer.receive(b"a X" + b" {0+}\r\n" * 40)
    found = drain(framer)
    assert isinstance(found[-1], Overlong)
    assert found[-1].head == b"a X {0+}"
    framer.receive(b"\r\nb NOOP\r\n")
    assert drain(framer)[-1] == Text(b"b NOOP", False)


@pytest.mark.parametrize(
    ("data", "nul"),
    [
        (b"a \0\r\n", True),
        (b"a {1+}\r\n\0\r\n", True),
        (b"a {1+}\r\nx\0\r\n", True),
        (b"a ~{1+}\r\n\0\r\n", False),
    ],
)
def test_nuls_are_reported_but_for_a_literal8(data, nul):
    assert three_ways(data)[-1].nul is nul


def test_plain_lines_hold_no_literals():
    framer = Framer(100)
    framer.literals_allowed = False
    framer.receive(b"{3}\r\n")
    assert drain(framer) == [Text(b"{3}", False)]


def test_clear_forgets_everything():
    framer = Framer(100)
    framer.receive(b"a X {50}\r\nhalf a lit")
    drain(framer)
    framer.clear()
    framer.receive(b"b NOOP\r\n")
    assert drain(framer) == [Text(b"b NOOP", False)]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"a", b" ", b"{2}", b"{3+}", b"~{1}", b"\r\n", b"\n", b"\0", b"x" * 30, b"}"]), max_size=40
    ),
    st.sampled_from(["absorb", "stream", "refuse"]),
    st.integers(1, 9),
)
def test_how_the_octets_arrive_makes_no_difference(parts, decision, step):
    data = b"".join(parts)
    whole, pieces = Framer(60), Framer(60)
    whole.receive(data)
    expected = joined(drain(whole, lambda _: decision))
    found = []
    for start in range(0, len(data), step):
        pieces.receive(data[start : start + step])
        found += drain(pieces, lambda _: decision)
    assert joined(found) == expected
