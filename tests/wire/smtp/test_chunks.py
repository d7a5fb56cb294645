"""BDAT (RFC 3030): counted octets, sizes, mixing with DATA, and octets of refused chunks that are never commands."""

from collections.abc import Callable

from pillarbox.wire.smtp.commands import BdatChunkEnd, BodyChunk, BodyEnd, BodyFailed
from pillarbox.wire.smtp.replies import reply
from pillarbox.wire.smtp.state import Role, State

BEGIN = b"MAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n"
OPENED = ["250 2.1.0", "250 2.1.5"]


def test_chunks_are_taken_as_they_are(desk: Callable) -> None:
    d = desk()
    said = BEGIN + b"BDAT 8\r\n\r\n.\r\n\n.\nBDAT 5 LAST\r\nQUIT\0NOOP\r\n"
    assert d.codes(said) == [*OPENED, "250 2.0.0", "250 2.0.0", "250 2.0.0"]
    assert d.events[3:7] == [BodyChunk(b"\r\n.\r\n\n.\n"), BdatChunkEnd(8), BodyChunk(b"QUIT\0"), BodyEnd(13)]
    assert d.session.state is State.READY


def test_byte_by_byte(desk: Callable) -> None:
    d = desk()
    said = BEGIN + b"BDAT 3\r\nabcBDAT 0\r\nBDAT 2 LAST\r\nde"
    codes = [code for octet in said for code in d.codes(bytes([octet]))]
    assert codes == [*OPENED, "250 2.0.0", "250 2.0.0", "250 2.0.0"]
    assert d.body() == b"abcde"
    assert d.took(BodyEnd) == [BodyEnd(5)]


def test_an_empty_last_chunk(desk: Callable) -> None:
    d = desk()
    assert d.codes(BEGIN + b"BDAT 3\r\nabcBDAT 0 LAST\r\nNOOP\r\n") == [*OPENED, "250 2.0.0", "250 2.0.0", "250 2.0.0"]
    assert d.took(BodyEnd) == [BodyEnd(3)]


def test_the_phrase_while_a_chunk_is_received(desk: Callable) -> None:
    d = desk()
    d.say(BEGIN + b"BDAT 3\r\n")
    assert d.session.phrase == "receiving a chunk"
    d.say(b"abc")
    assert d.session.phrase == "between chunks"


def test_a_large_chunk_comes_in_pieces(desk: Callable) -> None:
    d = desk()
    d.say(BEGIN + b"BDAT 1000000 LAST\r\n" + b"x" * 1_000_000)
    assert [len(event.data) for event in d.took(BodyChunk)] == [262144, 262144, 262144, 213568]


def test_data_and_bdat_do_not_mix(desk: Callable) -> None:
    d = desk()
    assert d.codes(BEGIN + b"BDAT 1\r\nxDATA\r\nRCPT TO:<e@f.test>\r\nMAIL FROM:<a@b.test>\r\n") == [
        *OPENED, "250 2.0.0", "503 5.5.1", "503 5.5.1", "503 5.5.1",
    ]  # fmt: skip
    assert d.codes(b"RSET\r\n" + BEGIN + b"DATA\r\nx\r\n.\r\n") == ["250 2.0.0", *OPENED, "354", "250 2.0.0"]


def test_binarymime_needs_bdat(desk: Callable) -> None:
    d = desk()
    d.say(b"MAIL FROM:<a@b.test> BODY=BINARYMIME\r\nRCPT TO:<c@d.test>\r\n")
    assert d.codes(b"DATA\r\nBDAT 1 LAST\r\n\n") == ["503 5.5.1", "250 2.0.0"]
    assert d.body() == b"\n"


def test_octets_of_a_chunk_in_the_wrong_place_are_no_commands(desk: Callable) -> None:
    for before in (b"", b"MAIL FROM:<a@b.test>\r\n"):
        d = desk()
        assert d.codes(before + b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")[-2:] == ["503 5.5.1", "250 2.0.0"]
        assert not d.session.closing and not d.body()


def test_after_a_refused_chunk_the_transaction_is_over(desk: Callable) -> None:
    d = desk(answers={BdatChunkEnd: reply(452, "4.3.1", "No room")})
    assert d.codes(BEGIN + b"BDAT 3\r\nabcBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n" + BEGIN) == [
        *OPENED, "452 4.3.1", "503 5.5.1", "250 2.0.0", *OPENED,
    ]  # fmt: skip


def test_too_large_over_several_chunks(desk: Callable) -> None:
    d = desk(size_limit=10)
    assert d.codes(BEGIN + b"BDAT 8\r\n12345678BDAT 6\r\nQUIT\r\nBDAT 1 LAST\r\nxNOOP\r\n") == [
        *OPENED, "250 2.0.0", "552 5.3.4", "503 5.5.1", "250 2.0.0",
    ]  # fmt: skip
    assert d.body() == b"12345678"
    assert len(d.took(BodyFailed)) == 1


def test_an_unreadable_size_closes_since_what_follows_cannot_be_told_apart(desk: Callable) -> None:
    d = desk()
    assert d.codes(BEGIN + b"BDAT many LAST\r\nQUIT\r\n") == [*OPENED, "501 5.5.4"]
    assert d.session.closing


def test_lmtp_answers_the_last_chunk_for_each_recipient(desk: Callable) -> None:
    d = desk(Role.LMTP)
    assert d.codes(BEGIN + b"RCPT TO:<e@f.test>\r\nBDAT 1\r\nxBDAT 1 LAST\r\ny") == [
        *OPENED, "250 2.1.5", "250 2.0.0", "250 2.0.0", "250 2.0.0",
    ]  # fmt: skip


def test_lmtp_answers_a_chunk_that_is_too_large_once_unless_it_is_the_last(desk: Callable) -> None:
    d = desk(Role.LMTP, size_limit=1)
    assert d.codes(BEGIN + b"RCPT TO:<e@f.test>\r\nBDAT 2\r\nxx")[3:] == ["552 5.3.4"]
    assert d.codes(BEGIN + b"RCPT TO:<e@f.test>\r\nBDAT 2 LAST\r\nxx")[3:] == ["552 5.3.4", "552 5.3.4"]
