"""LIST, plain and extended, and LSUB (RFC 9051 section 6.3.9, RFC 5258, RFC 5819, RFC 6154, RFC 3501 section 6.3.9)."""

from dataclasses import dataclass

from pillarbox.wire.imap import grammar
from pillarbox.wire.imap.commands.status import status_atts
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.nouns import ListReturn, ListSelect, StatusItem

_SELECT = {option.value: option for option in ListSelect}
_RETURN = {option.value: option for option in ListReturn}


@dataclass(slots=True, frozen=True)
class List:
    """LIST. `patterns` are relative to `reference`; `status` are the items of RETURN (STATUS (...)).

    `extended` tells that any option or more than one pattern was used (RFC 5258 section 3: then the special
    meaning of an empty pattern is gone).
    """

    tag: bytes
    reference: str
    patterns: tuple[str, ...]
    select: frozenset[ListSelect] = frozenset()
    returns: frozenset[ListReturn] = frozenset()
    status: tuple[StatusItem, ...] = ()
    extended: bool = False


@dataclass(slots=True, frozen=True)
class Lsub:
    """LSUB: subscribed names (IMAP4rev1)."""

    tag: bytes
    reference: str
    pattern: str


def list_(tag: bytes, cursor: Cursor) -> List:
    """list = "LIST" [SP list-select-opts] SP mailbox SP mbox-or-pat [SP list-return-opts]"""
    cursor.space()
    extended = cursor.peek() == b"("
    select = frozenset[ListSelect]()
    if extended:
        select = list_select_opts(cursor)
        cursor.space()
    reference = grammar.mailbox(cursor)
    cursor.space()
    if cursor.accept(b"("):
        extended = True
        patterns = [grammar.list_mailbox(cursor)]
        while cursor.accept(b" "):
            patterns.append(grammar.list_mailbox(cursor))
        cursor.expect(b")", "a closing parenthesis")
    else:
        patterns = [grammar.list_mailbox(cursor)]
    returns: frozenset[ListReturn] = frozenset()
    status: tuple[StatusItem, ...] = ()
    if cursor.accept(b" "):
        extended = True
        returns, status = list_return_opts(cursor)
    cursor.end()
    return List(tag, reference, tuple(patterns), select, returns, status, extended)


def list_select_opts(cursor: Cursor) -> frozenset[ListSelect]:
    """list-select-opts = "(" [list-select-opt *(SP list-select-opt)] ")"; RECURSIVEMATCH needs a base option"""
    options = set()
    for word in grammar.value_list(cursor, "selection option"):
        option = _SELECT.get(word)
        if option is None:
            raise ParseError("unknown selection option")
        options.add(option)
    if ListSelect.RECURSIVEMATCH in options and not options & {ListSelect.SUBSCRIBED, ListSelect.SPECIAL_USE}:
        raise ParseError("RECURSIVEMATCH needs another selection option")
    return frozenset(options)


def list_return_opts(cursor: Cursor) -> tuple[frozenset[ListReturn], tuple[StatusItem, ...]]:
    """list-return-opts = "RETURN" SP "(" [return-option *(SP return-option)] ")" """
    if cursor.word("RETURN") != b"RETURN":
        raise ParseError("RETURN expected")
    cursor.space()
    cursor.expect(b"(", "return options")
    options: set[ListReturn] = set()
    status: tuple[StatusItem, ...] = ()
    while not cursor.accept(b")"):
        if options or status:
            cursor.space()
        word = cursor.word("a return option")
        if word == b"STATUS":
            cursor.space()
            status = status_atts(cursor)
        elif word in _RETURN:
            options.add(_RETURN[word])
        else:
            raise ParseError("unknown return option")
    return frozenset(options), status


def lsub(tag: bytes, cursor: Cursor) -> Lsub:
    """lsub = "LSUB" SP mailbox SP list-mailbox"""
    cursor.space()
    reference = grammar.mailbox(cursor)
    cursor.space()
    pattern = grammar.list_mailbox(cursor)
    cursor.end()
    return Lsub(tag, reference, pattern)
