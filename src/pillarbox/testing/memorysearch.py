"""Searching in the store in memory, with the standard library's own mail parser.

On purpose it shares nothing with the real store: each is held against the other.
"""

import email
import email.policy
from email.header import decode_header
from email.message import Message
from hashlib import sha256
from typing import assert_never

from pillarbox.database.mailbox import keywords
from pillarbox.model import search
from pillarbox.testing.memoryboxes import Email, Placement
from pillarbox.testing.memorythreads import fold


def matches(placement: Placement, criterion: search.Criterion) -> bool:
    """Whether a message is what is looked for."""
    match criterion:
        case search.All():
            return True
        case search.Uids(ranges):
            return any(first <= placement.uid <= last for first, last in ranges)
        case search.HasFlag(flag):
            return bool(placement.flags & flag)
        case search.HasKeyword(keyword):
            return keywords.contains(placement.email.keywords, keyword)
        case search.Received(since, before):
            return _within(placement.email.received_at, since, before)
        case search.Sent(since, before):
            sent = placement.email.prepared.sent_at
            return sent is not None and _within(sent, since, before)
        case search.Saved(since, before):
            return _within(placement.saved_at, since, before)
        case search.HasObjectId(name):
            return name == f"e{placement.email.origin}"
        case search.InThread(thread):
            return thread_of(placement.email) == thread
        case search.Size(above, below):
            size = placement.email.size
            return (above is None or size > above) and (below is None or size < below)
        case search.ModSeqAbove(modseq):
            return placement.modseq >= modseq
        case search.Header(name, text):
            return any(_contains(value, text) for field, value in _fields(placement) if field == name.lower())
        case search.Text(text, headers):
            lines = [f"{field}: {value}" for field, value in _fields(placement)] if headers else []
            return any(_contains(each, text) for each in lines + _texts(placement))
        case search.Not(of):
            return not matches(placement, of)
        case search.AllOf(parts):
            return all(matches(placement, part) for part in parts)
        case search.AnyOf(parts):
            return any(matches(placement, part) for part in parts)
        case _ as never:
            assert_never(never)


def thread_of(email: Email) -> int:
    """The thread of an email: letters with one subject that go back to the same first letter."""
    prepared = email.prepared
    root = prepared.references[0] if prepared.references else prepared.message_id or b"%d" % email.origin
    return 1 + (int.from_bytes(sha256(root + b"\0" + prepared.base_subject.casefold().encode()).digest()[:8]) >> 2)


def _within(moment: int, since: int | None, before: int | None) -> bool:
    return (since is None or moment >= since) and (before is None or moment < before)


def _contains(text: str, part: str) -> bool:
    return fold(part) in fold(text)


def _parse(placement: Placement) -> Message:
    return email.message_from_bytes(placement.email.trace + placement.email.data, policy=email.policy.compat32)


def _fields(placement: Placement) -> list[tuple[str, str]]:
    return [(name.lower(), _decoded(str(value))) for name, value in _parse(placement).items()]


def _decoded(value: str) -> str:
    unfolded = value.replace("\r\n", "").replace("\n", "")
    parts = []
    for part, charset in decode_header(unfolded):
        if isinstance(part, str):
            parts.append(part)
        else:
            parts.append(_text(part, charset or "utf-8"))
    return "".join(parts)


def _texts(placement: Placement) -> list[str]:
    texts = []
    for part in _parse(placement).walk():
        payload = part.get_payload(decode=True)
        if part.get_content_maintype() == "text" and isinstance(payload, bytes):
            texts.append(_text(payload, part.get_content_charset("utf-8")))
    return texts


def _text(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
