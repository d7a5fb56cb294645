"""Replies as bytes: several lines, long lines, strange characters."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.replies import Reply, challenge, encode, reply


def test_one_line_and_several() -> None:
    assert encode(reply(250, "2.1.0", "Sender ok")) == b"250 2.1.0 Sender ok\r\n"
    assert encode(reply(354, "", "Go on")) == b"354 Go on\r\n"
    assert encode(reply(250, "", "mx.test", "SIZE 1", "DSN")) == b"250-mx.test\r\n250-SIZE 1\r\n250 DSN\r\n"
    assert encode(reply(550, "5.1.1", "No", "really")) == b"550-5.1.1 No\r\n550 5.1.1 really\r\n"
    assert encode(Reply(250, "2.0.0", ())) == b"250 2.0.0 \r\n"


def test_no_text_can_add_a_line() -> None:
    assert encode(reply(550, "5.1.1", "a\r\n250 2.0.0 ok\0")) == b"550 5.1.1 a  250 2.0.0 ok \r\n"


def test_non_ascii_text_only_for_those_who_asked() -> None:
    assert encode(reply(250, "", "grün")) == b"250 gr?n\r\n"
    assert encode(reply(250, "", "grün"), utf8=True) == "250 grün\r\n".encode()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=1000), st.booleans())
def test_any_text_becomes_lines_within_the_limit(text: str, utf8: bool) -> None:
    lines = encode(reply(550, "5.1.1", text), utf8).split(b"\r\n")
    assert lines.pop() == b""
    assert all(len(line) <= 510 and b"\r" not in line and b"\n" not in line for line in lines)
    assert all(line.startswith(b"550-5.1.1 ") for line in lines[:-1]) and lines[-1].startswith(b"550 5.1.1 ")


def test_a_challenge_is_never_broken() -> None:
    encoded = encode(challenge(bytes(600)))
    assert encoded == b"334 " + b"A" * 800 + b"\r\n"
    assert encode(challenge(b"")) == b"334 \r\n"


def test_the_sessions_own_answers_are_consistent() -> None:
    own = [value for value in vars(replies).values() if isinstance(value, Reply)]
    assert len(own) > 40
    for answer in own:
        assert not answer.enhanced or answer.enhanced[0] == str(answer.code // 100)
        assert len(encode(answer).splitlines()) == 1
