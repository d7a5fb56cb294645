"""The ENVELOPE of a letter: the very bytes IMAP sends. RFC 9051 section 7.5.2.

Always valid IMAP. Values are as they stand in the header (encoded words not decoded), unfolded. Sender and
Reply-To stand in for From where they are missing or empty. An address without a domain has the host "" (NIL would
make it a group).
"""

from typing import NamedTuple

from pillarbox.mime import address
from pillarbox.mime.address import Address, Addresses, Group
from pillarbox.mime.header import Header
from pillarbox.mime.imapstring import nstring, string
from pillarbox.mime.message import Message


class Envelope(NamedTuple):
    """What the ENVELOPE holds, before it is written down."""

    date: bytes | None
    subject: bytes | None
    from_: Addresses
    sender: Addresses
    reply_to: Addresses
    to: Addresses
    cc: Addresses
    bcc: Addresses
    in_reply_to: bytes | None
    message_id: bytes | None


def envelope(message: Message) -> bytes:
    """The ENVELOPE of a letter or of an embedded message."""
    return render(read(message.root.header))


def read(header: Header) -> Envelope:
    """Take the fields from a header."""
    from_ = _addresses(header, b"from")
    return Envelope(
        header.field(b"date"),
        header.field(b"subject"),
        from_,
        _addresses(header, b"sender") or from_,
        _addresses(header, b"reply-to") or from_,
        _addresses(header, b"to"),
        _addresses(header, b"cc"),
        _addresses(header, b"bcc"),
        header.field(b"in-reply-to"),
        header.field(b"message-id"),
    )


def render(fields: Envelope) -> bytes:
    """envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP env-cc SP
    env-bcc SP env-in-reply-to SP env-message-id ")" """
    date, subject, from_, sender, reply_to, to, cc, bcc, in_reply_to, message_id = fields
    author = _list(from_)
    return b"(%b %b %b %b %b %b %b %b %b %b)" % (
        nstring(date),
        nstring(subject),
        author,
        author if sender is from_ else _list(sender),
        author if reply_to is from_ else _list(reply_to),
        _list(to),
        _list(cc),
        _list(bcc),
        nstring(in_reply_to),
        nstring(message_id),
    )


def _addresses(header: Header, name: bytes) -> Addresses:
    value = header.joined(name)
    return address.parse(value) if value else []


def _list(addresses: Addresses) -> bytes:
    """env-to = "(" 1*address ")" / nil"""
    if not addresses:
        return b"NIL"
    return b"(%b)" % b"".join([_group(entry) if isinstance(entry, Group) else _address(entry) for entry in addresses])


def _group(group: Group) -> bytes:
    """A group is a marker with its name, its members, and a marker without a name."""
    members = b"".join([_address(member) for member in group.members])
    return b"(NIL NIL %b NIL)%b(NIL NIL NIL NIL)" % (string(group.name), members)


def _address(entry: Address) -> bytes:
    """address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")" """
    name, route, local, domain = entry
    return b"(%b %b %b %b)" % (nstring(name), nstring(route), string(local), string(domain))
