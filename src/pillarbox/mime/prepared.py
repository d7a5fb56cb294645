"""Everything the store keeps about a letter, computed once when it arrives.

Reads then only hand out stored bytes. `prepare` never raises and does not copy the letter.
"""

import re
from typing import NamedTuple

from pillarbox.mime import address, date, encodedword
from pillarbox.mime.bodystructure import structures
from pillarbox.mime.buffer import Buffer
from pillarbox.mime.envelope import read, render
from pillarbox.mime.header import Header
from pillarbox.mime.message import DEFAULT, Limits, parse
from pillarbox.mime.preview import has_attachment, preview
from pillarbox.mime.subject import base_subject

KEPT_FIELDS = frozenset(
    (
        b"from to cc bcc subject date message-id in-reply-to references reply-to sender content-type mime-version "
        b"content-transfer-encoding content-disposition content-language content-class thread-topic thread-index "
        b"list-id list-post list-help list-archive list-owner list-subscribe list-unsubscribe list-unsubscribe-post "
        b"x-priority priority importance precedence auto-submitted newsgroups followup-to organization user-agent "
        b"x-mailer x-spam-flag x-spam-status x-spam-score disposition-notification-to return-receipt-to "
        b"delivered-to return-path resent-from resent-to resent-date resent-message-id autocrypt "
        b"x-label x-keywords keywords x-mozilla-status x-bugzilla-who"
    ).split()
)
"""The fields whose raw bytes are kept, names in lower case: what clients usually ask for."""

_ID = re.compile(rb"<[^<>\s]+>")
_MOST_REFERENCES = 100


class Prepared(NamedTuple):
    """What is kept of a letter.

    `envelope`, `body`, `bodystructure`: as IMAP sends them. `header_size`: octets of the header with its empty
    line. `fields`: the raw KEPT_FIELDS in the order of the letter, no empty line. `subject` is decoded,
    `base_subject` is RFC 5256's. `message_id` and `references` with their angle brackets; the references include
    In-Reply-To, oldest first, at most 100. `sent_at`: microseconds UTC. `from_`, `to`, `cc`: names and addresses
    decoded, in lower case. `preview`: at most 256 characters.
    """

    size: int
    header_size: int
    envelope: bytes
    body: bytes
    bodystructure: bytes
    fields: bytes
    subject: str
    base_subject: str
    message_id: bytes
    references: tuple[bytes, ...]
    sent_at: int | None
    from_: str
    to: str
    cc: str
    preview: str
    has_attachment: bool


def prepare(data: Buffer, limits: Limits = DEFAULT) -> Prepared:
    """Read a letter once and keep what will be asked for."""
    message = parse(data, limits)
    root = message.root
    header = root.header
    envelope = read(header)
    plain, extended = structures(message)
    subject = encodedword.decode(envelope.subject) if envelope.subject else ""
    return Prepared(
        size=len(data),
        header_size=root.body_start,
        envelope=render(envelope),
        body=plain,
        bodystructure=extended,
        fields=header.select(KEPT_FIELDS),
        subject=subject,
        base_subject=base_subject(subject),
        message_id=_message_id(envelope.message_id),
        references=references(header),
        sent_at=date.parse(envelope.date) if envelope.date else None,
        from_=address.display(envelope.from_).lower() if envelope.from_ else "",
        to=address.display(envelope.to).lower() if envelope.to else "",
        cc=address.display(envelope.cc).lower() if envelope.cc else "",
        preview=preview(message),
        has_attachment=has_attachment(message),
    )


def _message_id(value: bytes | None) -> bytes:
    """The identifier in its angle brackets, or whatever else the field holds; b"" without one."""
    if not value:
        return b""
    found = _ID.search(value)
    return found[0] if found else value


def references(header: Header) -> tuple[bytes, ...]:
    """The letters this one refers to, oldest first: References, then what In-Reply-To adds."""
    value = header.raw(b"references")
    found: list[bytes] = _ID.findall(value) if value else []
    parent = header.raw(b"in-reply-to")
    if parent:
        found += [name for name in _ID.findall(parent)[:1] if name not in found[-_MOST_REFERENCES:]]
    if len(found) > _MOST_REFERENCES:
        found[1 : 1 - _MOST_REFERENCES] = []
    return tuple(found)
