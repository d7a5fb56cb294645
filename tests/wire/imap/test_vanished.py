"""VANISHED as clients get it."""

from pillarbox.wire.imap.sequence_set import uid_set
from pillarbox.wire.imap.vanished import vanished


def test_by_uid_now_or_earlier():
    assert vanished(b"1:3,7") == b"* VANISHED 1:3,7\r\n"
    assert vanished(b"41,43:116", earlier=True) == b"* VANISHED (EARLIER) 41,43:116\r\n"
    assert vanished(b"", earlier=True) == b""


def test_a_long_set_comes_in_several_lines():
    uids = list(range(1, 100_001, 2))
    lines = vanished(uid_set(uids), earlier=True).split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) > 1
    assert all(len(line) <= 8100 and line.startswith(b"* VANISHED (EARLIER) ") for line in lines)
    assert b",".join(line.rpartition(b" ")[2] for line in lines) == uid_set(uids)
