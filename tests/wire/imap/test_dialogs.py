"""Whole dialogs from text files (dialogs/*.txt), after the transcripts of RFC 3501 and RFC 9051.

`C:` is a client's line, `E:` the event that comes out of it (its type, tag and first fields), `H:` the handler's reply
(`OK`/`NO`/`BAD [CODE] text`, `CONTINUE text`, `CHALLENGE text`, `BYE text`, `GREETING text`, `* untagged`), `S:` the
server's next line, `X: closing` the end. Each dialog is run with lines sent whole and octet by octet.
"""

import dataclasses
import re
from pathlib import Path

import pytest

from pillarbox.wire.imap.config import ImapConfig
from pillarbox.wire.imap.replies import Bye, Challenge, Continue, Greeting, Tagged, Untagged
from pillarbox.wire.imap.responses import Status
from pillarbox.wire.imap.session import ImapSession
from pillarbox.wire.session import ProtocolError, Signal

DIALOGS = sorted((Path(__file__).parent / "dialogs").glob("*.txt"))


def described(event):
    """An event as its dialog line: type, tag, fields; octets as text."""
    values = [getattr(event, field.name) for field in dataclasses.fields(event)]
    words = [type(event).__name__]
    if hasattr(event, "tag"):
        words.append(values.pop(0).decode())
    return " ".join(words + [repr(v.decode("latin-1") if isinstance(v, bytes) else v) for v in values])


def reply(text, tag):
    word, _, rest = text.partition(" ")
    if word == "*":
        return Untagged(text.encode() + b"\r\n")
    simple = {"CONTINUE": Continue, "BYE": Bye, "GREETING": Greeting}
    if word in simple:
        return simple[word](rest)
    if word == "CHALLENGE":
        return Challenge(rest.encode())
    code, rest = re.fullmatch(r"(?:\[(.*?)\] )?(.*)", rest).groups()
    return Tagged(tag, Status(word.encode()), rest, (code or "").encode())


@pytest.mark.parametrize("octets", [None, 1])
@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
def test_dialog(path, octets):
    session = ImapSession(ImapConfig(plaintext_login=True))
    sent, events, tag = b"", [], b""
    for line in path.read_text().splitlines():
        kind, _, text = line.partition(": ")
        if kind in ("C", "C:"):
            data = text.encode() + b"\r\n"
            for start in range(0, len(data), octets or len(data)):
                session.receive_data(data[start : start + (octets or len(data))])
                while not isinstance(event := session.next_event(), Signal):
                    if isinstance(event, ProtocolError):
                        sent += event.answer
                    elif events and type(event).__name__ == "AppendChunk" == type(events[-1]).__name__:
                        events[-1] = dataclasses.replace(event, data=events[-1].data + event.data)
                    else:
                        events.append(event)
        elif kind == "E":
            event = events.pop(0)
            assert described(event).startswith(text.strip())
            tag = getattr(event, "tag", tag)
        elif kind == "H":
            sent += session.send(reply(text, tag))
        elif kind == "S":
            row, _, sent = sent.partition(b"\r\n")
            assert row.decode() == text
        elif kind == "X":
            assert session.closing
        else:
            assert line.startswith("#")
    assert (sent, events) == (b"", [])
    assert len(DIALOGS) >= 4
