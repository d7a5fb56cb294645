"""Server responses as octets, each with its CRLF (RFC 9051 section 7).

`utf8` is the session's: mailbox names and quoted strings in UTF-8 once IMAP4rev2 or UTF8=ACCEPT is enabled.
Values that were prepared when the message arrived (ENVELOPE, BODYSTRUCTURE) go through untouched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.wire.imap.grammar import MONTHS
from pillarbox.wire.imap.nouns import Namespace, PartialRange, QuotaUse, StatusItem
from pillarbox.wire.imap.sequence_set import ordered_set
from pillarbox.wire.imap.strings import astring, human, literal, literal8, mailbox, nstring, string

CRLF = b"\r\n"


class Status(Enum):
    """How a command ended."""

    OK = b"OK"
    NO = b"NO"
    BAD = b"BAD"


def status_line(tag: bytes, status: Status, text: str, code: bytes = b"") -> bytes:
    """response-tagged = tag SP ("OK" / "NO" / "BAD") SP resp-text CRLF; `tag` b"*" makes it untagged"""
    if code:
        return b"%b %b [%b] %b\r\n" % (tag, status.value, code, human(text))
    return b"%b %b %b\r\n" % (tag, status.value, human(text))


def bye(text: str, code: bytes = b"") -> bytes:
    """resp-cond-bye = "BYE" SP resp-text"""
    return b"* BYE [%b] %b\r\n" % (code, human(text)) if code else b"* BYE %b\r\n" % human(text)


def continuation(text: bytes) -> bytes:
    """continue-req = "+" SP (resp-text / base64) CRLF"""
    return b"+ " + text + CRLF


def capability(names: Iterable[str]) -> bytes:
    """capability-data = "CAPABILITY" *(SP capability)"""
    return f"* CAPABILITY {' '.join(names)}\r\n".encode("ascii")


def enabled(names: Iterable[str]) -> bytes:
    """enable-data = "ENABLED" *(SP capability)"""
    return " ".join(["* ENABLED", *names]).encode("ascii") + CRLF


def list_row(
    name: str,
    attributes: Iterable[str],
    delimiter: str | None = "/",
    utf8: bool = False,
    childinfo: bool = False,
    oldname: str | None = None,
    verb: bytes = b"LIST",
) -> bytes:
    """mailbox-list = "(" [mbx-list-flags] ")" SP (DQUOTE QUOTED-CHAR DQUOTE / nil) SP mailbox [SP mbox-list-extended]

    `childinfo`: CHILDINFO ("SUBSCRIBED"), RFC 5258 section 3.5; `oldname`: OLDNAME, RFC 9051 section 6.3.9.7.
    """
    row = b"* %b (%b) %b %b" % (
        verb,
        " ".join(attributes).encode("ascii"),
        nstring(None if delimiter is None else delimiter.encode()),
        mailbox(name, utf8),
    )
    extended = []
    if childinfo:
        extended.append(b'"CHILDINFO" ("SUBSCRIBED")')
    if oldname is not None:
        extended.append(b'"OLDNAME" (%b)' % mailbox(oldname, utf8))
    if extended:
        row += b" (" + b" ".join(extended) + b")"
    return row + CRLF


def status(name: str, items: Iterable[tuple[StatusItem, int | bytes | None]], utf8: bool = False) -> bytes:
    """mailbox-data = "STATUS" SP mailbox SP "(" [status-att-list] ")"

    None (for APPENDLIMIT) is NIL; octets (an object id) come in parentheses.
    """
    parts = (item.value + b" " + _status_value(value) for item, value in items)
    return b"* STATUS %b (%b)\r\n" % (mailbox(name, utf8), b" ".join(parts))


def _status_value(value: int | bytes | None) -> bytes:
    if isinstance(value, bytes):
        return b"(%b)" % value
    return b"NIL" if value is None else b"%d" % value


def flags(names: Iterable[str]) -> bytes:
    """mailbox-data = "FLAGS" SP flag-list"""
    return b"* FLAGS (%b)\r\n" % " ".join(names).encode("ascii")


def exists(count: int) -> bytes:
    """mailbox-data = number SP "EXISTS" """
    return b"* %d EXISTS\r\n" % count


def recent(count: int) -> bytes:
    """mailbox-data = number SP "RECENT" (IMAP4rev1 only)"""
    return b"* %d RECENT\r\n" % count


def expunges(sequences: Iterable[int]) -> bytes:
    """message-data = nz-number SP "EXPUNGE", for each number in the order given (`View.apply_expunges`)"""
    return b"".join([b"* %d EXPUNGE\r\n" % sequence for sequence in sequences])


def search(numbers: Sequence[int], modseq: int | None = None, verb: bytes = b"SEARCH") -> bytes:
    """mailbox-data = "SEARCH" *(SP nz-number) [SP search-sort-mod-seq] (RFC 3501, RFC 7162)"""
    tail = b"" if modseq is None else b" (MODSEQ %d)" % modseq
    row = " ".join(map(str, numbers)).encode("ascii")
    return b"* %b %b%b\r\n" % (verb, row, tail) if row else b"* %b%b\r\n" % (verb, tail)


class Correlator(NamedTuple):
    """search-correlator: the search's tag, and (RFC 7377) the mailbox that the result is of."""

    tag: bytes
    mailbox: str | None = None
    uid_validity: int = 0


@dataclass(slots=True, frozen=True)
class Result:
    """search-return-data. None for what was not asked for; for no match also None for `low` and `high` (`all_` may
    be empty). The numbers of `all_` and of `partial` come in the order of the result; `relevancy` is of them."""

    low: int | None = None
    high: int | None = None
    all_: Sequence[int] | None = None
    partial: tuple[PartialRange, Sequence[int]] | None = None
    count: int | None = None
    relevancy: Sequence[int] | None = None
    modseq: int | None = None


def esearch(correlator: Correlator, uid: bool, result: Result, utf8: bool = False) -> bytes:
    """esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data) (RFC 4731, RFC 5267)"""
    parts = [_esearch_head(correlator, uid, utf8)]
    if result.low is not None:
        parts.append(b"MIN %d" % result.low)
    if result.high is not None:
        parts.append(b"MAX %d" % result.high)
    if result.all_:
        parts.append(b"ALL " + ordered_set(result.all_))
    if result.partial is not None:
        asked, numbers = result.partial
        parts.append(b"PARTIAL (%b %b)" % (asked.encode(), ordered_set(numbers) or b"NIL"))
    if result.count is not None:
        parts.append(b"COUNT %d" % result.count)
    if result.relevancy:
        parts.append(b"RELEVANCY (%b)" % b" ".join([b"%d" % score for score in result.relevancy]))
    if result.modseq is not None:
        parts.append(b"MODSEQ %d" % result.modseq)
    return b" ".join(parts) + CRLF


def _esearch_head(correlator: Correlator, uid: bool, utf8: bool = False) -> bytes:
    """search-correlator = SP "(" one-correlator *(SP one-correlator) ")" """
    tag, name, uid_validity = correlator
    source = b"" if name is None else b" MAILBOX %b UIDVALIDITY %d" % (mailbox(name, utf8), uid_validity)
    return b"* ESEARCH (TAG %b%b)%b" % (string(tag), source, b" UID" if uid else b"")


def search_update(tag: bytes, uid: bool, verb: bytes, moves: Iterable[tuple[int, Sequence[int]]]) -> bytes:
    """ret-data-addto / ret-data-removefrom: `verb` (ADDTO, REMOVEFROM) of (position, numbers) (RFC 5267 section 4.3)"""
    places = b" ".join([b"%d %b" % (position, ordered_set(numbers)) for position, numbers in moves])
    return b"%b %b (%b)\r\n" % (_esearch_head(Correlator(tag), uid), verb, places)


def sort(numbers: Sequence[int], modseq: int | None = None) -> bytes:
    """sort-data = "SORT" *(SP nz-number) [SP search-sort-mod-seq] (RFC 5256, RFC 7162)"""
    return search(numbers, modseq, b"SORT")


def thread(numbers: Sequence[int], depths: Sequence[int]) -> bytes:
    """thread-data = "THREAD" [SP 1*thread-list]

    The messages of all threads in order, each before its answers, with how deep it lies: 0 begins a thread. The number
    0 stands for a message that is not there.
    """
    size = len(depths)
    children = [0] * size
    line = [0] * (max(depths, default=0) + 1)  # the places of the messages above, by depth
    for place, depth in enumerate(depths):
        line[depth] = place
        if depth:
            children[line[depth - 1]] += 1
    out: list[bytes] = []
    closing: list[int] = []  # the depths of open parentheses
    for place, depth in enumerate(depths):
        while closing and closing[-1] >= depth:
            closing.pop()
            out.append(b")")
        if not depth and (place + 1 == size or not depths[place + 1]):  # the usual case: a message by itself
            out.append(b"(%d)" % numbers[place])
            continue
        if not depth or children[line[depth - 1]] > 1:
            out.append(b"(" if not depth or not out[-1][-1:].isdigit() else b" (")
            closing.append(depth)
        elif out[-1] != b"(":
            out.append(b" ")
        line[depth] = place
        if numbers[place]:
            out.append(b"%d" % numbers[place])
    out += [b")"] * len(closing)
    return b"* THREAD %b\r\n" % b"".join(out) if out else b"* THREAD\r\n"


def fetch_row(sequence: int, pieces: Iterable[bytes]) -> bytes:
    """message-data = nz-number SP "FETCH" SP "(" msg-att ")"; each piece is `NAME value`, ready"""
    return b"* %d FETCH (%b)\r\n" % (sequence, b" ".join(pieces))


def fetch_rows(rows: Iterable[tuple[int, Iterable[bytes]]]) -> bytes:
    """Many FETCH responses with one join. Rows of (sequence number, pieces)."""
    join = b" ".join
    return b"".join([b"* %d FETCH (%b)\r\n" % (sequence, join(pieces)) for sequence, pieces in rows])


def content(label: bytes, data: bytes | None) -> bytes:
    """A FETCH piece with content: `label` (from the request) and its octets as a literal, None as NIL.

    A NUL goes out as SUB (%x1A), which keeps the size: no literal may hold one.
    """
    return label + b" NIL" if data is None else label + b" " + literal(data)


def content_head(label: bytes, size: int) -> bytes:
    """The start of `content` when `size` octets follow in pieces; they must be free of NULs."""
    return b"%b {%d}\r\n" % (label, size)


def binary_content(label: bytes, data: bytes) -> bytes:
    """A FETCH piece for BINARY: a literal8 if there are NULs in it"""
    return label + b" " + (literal8(data) if b"\0" in data else literal(data))


def flag_piece(names: Iterable[str]) -> bytes:
    """msg-att-dynamic = "FLAGS" SP "(" [flag-fetch *(SP flag-fetch)] ")" """
    return b"FLAGS (%b)" % " ".join(names).encode("ascii")


def internal_date(microseconds: int) -> bytes:
    """date-time, in UTC, of microseconds since 1970; years 0001 to 9999"""
    days, seconds = divmod(microseconds // MICROSECONDS, 86_400)
    year, month, day = _civil(days)
    hour, seconds = divmod(seconds, 3600)
    return b'"%2d-%b-%04d %02d:%02d:%02d +0000"' % (
        day, MONTHS[month - 1], year, hour, seconds // 60, seconds % 60,
    )  # fmt: skip


def _civil(days: int) -> tuple[int, int, int]:
    """Year, month, day of `days` since 1970-01-01, in years that start in March (leap day last)."""
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year + year // 4 - year // 100)
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + era * 400 + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def namespace(
    personal: Sequence[Namespace], other: Sequence[Namespace] = (), shared: Sequence[Namespace] = (), utf8: bool = False
) -> bytes:
    """namespace-response = "*" SP "NAMESPACE" SP namespace SP namespace SP namespace"""
    return b"* NAMESPACE %b %b %b\r\n" % (
        _namespace(personal, utf8), _namespace(other, utf8), _namespace(shared, utf8),
    )  # fmt: skip


def _namespace(spaces: Sequence[Namespace], utf8: bool) -> bytes:
    """namespace = nil / "(" 1*namespace-descr ")" """
    if not spaces:
        return b"NIL"
    rows = []
    for space in spaces:
        name = mailbox(space.prefix, utf8)
        quoted = name if name[:1] in (b'"', b"{") else b'"%b"' % name
        rows.append(b"(%b %b)" % (quoted, nstring(None if space.delimiter is None else space.delimiter.encode())))
    return b"(" + b"".join(rows) + b")"


def identity(fields: Iterable[tuple[str, str]]) -> bytes:
    """id-response = "ID" SP id-params-list"""
    parts = [string(word.encode()) for field in fields for word in field]
    return b"* ID (%b)\r\n" % b" ".join(parts) if parts else b"* ID NIL\r\n"


def quota(root: str, uses: Iterable[QuotaUse], utf8: bool = False) -> bytes:
    """quota-response = "QUOTA" SP quota-root-name SP quota-list"""
    parts = (b"%b %d %d" % use for use in uses)
    return b"* QUOTA %b (%b)\r\n" % (_root(root, utf8), b" ".join(parts))


def quotaroot(name: str, roots: Iterable[str], utf8: bool = False) -> bytes:
    """quotaroot-response = "QUOTAROOT" SP mailbox *(SP quota-root-name)"""
    return b" ".join([b"* QUOTAROOT", mailbox(name, utf8), *(_root(root, utf8) for root in roots)]) + CRLF


def _root(root: str, utf8: bool) -> bytes:
    return astring(root.encode(), utf8)
