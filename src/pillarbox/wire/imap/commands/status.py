"""STATUS (RFC 9051 section 6.3.11)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.nouns import StatusItem

_ITEMS = {item.value: item for item in StatusItem}


@dataclass(slots=True, frozen=True)
class Status:
    """STATUS; `items` in the order asked for, without doubles."""

    tag: bytes
    mailbox: str
    items: tuple[StatusItem, ...]


def status(tag: bytes, cursor: Cursor) -> Status:
    """status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")" """
    cursor.space()
    mailbox = grammar.mailbox(cursor)
    cursor.space()
    items = status_atts(cursor)
    cursor.end()
    return Status(tag, mailbox, items)


def status_atts(cursor: Cursor) -> tuple[StatusItem, ...]:
    """ "(" status-att *(SP status-att) ")" """
    items: dict[StatusItem, None] = {}
    for word in grammar.value_list(cursor, "status item"):
        item = _ITEMS.get(word)
        if item is None:
            raise ParseError("unknown status item")
        items[item] = None
    if not items:
        raise ParseError("no status item")
    return tuple(items)
