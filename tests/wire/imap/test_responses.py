"""What the server writes, octet by octet."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.imap import codes, responses, strings
from pillarbox.wire.imap.cursor import Cursor
from pillarbox.wire.imap.grammar import astring, date_time, mailbox, string
from pillarbox.wire.imap.nouns import Namespace, PartialRange, QuotaUse, StatusItem
from pillarbox.wire.imap.responses import Correlator, Result, Status


def esearch(**data):
    return responses.esearch(Correlator(b"A"), False, Result(**data))


@pytest.mark.parametrize(
    ("written", "octets"),
    [
        (responses.status_line(b"a1", Status.OK, "done"), b"a1 OK done\r\n"),
        (responses.status_line(b"a1", Status.NO, "no\r\nway", b"CANNOT"), b"a1 NO [CANNOT] no  way\r\n"),
        (responses.status_line(b"*", Status.BAD, ""), b"* BAD -\r\n"),
        (responses.status_line(b"*", Status.OK, "[x"), b"* OK .[x\r\n"),
        (responses.status_line(b"*", Status.OK, "café"), b"* OK caf?\r\n"),
        (responses.bye("gone"), b"* BYE gone\r\n"),
        (responses.bye("gone", b"UNAVAILABLE"), b"* BYE [UNAVAILABLE] gone\r\n"),
        (responses.continuation(b""), b"+ \r\n"),
        (responses.capability(["IMAP4rev1", "ID"]), b"* CAPABILITY IMAP4rev1 ID\r\n"),
        (responses.enabled([]), b"* ENABLED\r\n"),
        (responses.enabled(["IMAP4rev2"]), b"* ENABLED IMAP4rev2\r\n"),
        (responses.list_row("INBOX", ["\\HasNoChildren"]), b'* LIST (\\HasNoChildren) "/" INBOX\r\n'),
        (responses.list_row("a b", [], None), b'* LIST () NIL "a b"\r\n'),
        (responses.list_row("", ["\\Noselect"]), b'* LIST (\\Noselect) "/" ""\r\n'),
        (responses.list_row("ü", []), b'* LIST () "/" &APw-\r\n'),
        (responses.list_row("ü", [], utf8=True), b'* LIST () "/" "\xc3\xbc"\r\n'),
        (responses.list_row("x", [], childinfo=True), b'* LIST () "/" x ("CHILDINFO" ("SUBSCRIBED"))\r\n'),
        (responses.list_row("x", [], oldname="y"), b'* LIST () "/" x ("OLDNAME" (y))\r\n'),
        (responses.list_row("x", [], verb=b"LSUB"), b'* LSUB () "/" x\r\n'),
        (
            responses.status("x", [(StatusItem.MESSAGES, 231), (StatusItem.UIDNEXT, 44292)]),
            b"* STATUS x (MESSAGES 231 UIDNEXT 44292)\r\n",
        ),
        (responses.status("x", [(StatusItem.APPENDLIMIT, None)]), b"* STATUS x (APPENDLIMIT NIL)\r\n"),
        (responses.flags(["\\Seen", "$a"]), b"* FLAGS (\\Seen $a)\r\n"),
        (responses.exists(23), b"* 23 EXISTS\r\n"),
        (responses.recent(0), b"* 0 RECENT\r\n"),
        (responses.expunges([5, 3]), b"* 5 EXPUNGE\r\n* 3 EXPUNGE\r\n"),
        (responses.search([]), b"* SEARCH\r\n"),
        (responses.search([2, 84, 882]), b"* SEARCH 2 84 882\r\n"),
        (responses.search([2], 917162500), b"* SEARCH 2 (MODSEQ 917162500)\r\n"),
        (responses.esearch(Correlator(b"A1"), False, Result()), b'* ESEARCH (TAG "A1")\r\n'),
        (responses.esearch(Correlator(b"A1"), True, Result(7, 3800)), b'* ESEARCH (TAG "A1") UID MIN 7 MAX 3800\r\n'),
        (esearch(all_=[1, 17, 18], count=3), b'* ESEARCH (TAG "A") ALL 1,17:18 COUNT 3\r\n'),
        (esearch(all_=[], count=0, modseq=1), b'* ESEARCH (TAG "A") COUNT 0 MODSEQ 1\r\n'),
        (esearch(all_=[9, 1, 2, 4, 3], relevancy=[1, 2]), b'* ESEARCH (TAG "A") ALL 9,1:2,4,3 RELEVANCY (1 2)\r\n'),
        (esearch(partial=(PartialRange(1, 5), [7, 8])), b'* ESEARCH (TAG "A") PARTIAL (1:5 7:8)\r\n'),
        (esearch(partial=(PartialRange(-1, -5), [])), b'* ESEARCH (TAG "A") PARTIAL (-1:-5 NIL)\r\n'),
        (
            responses.esearch(Correlator(b"A", "b c", 7), True, Result(count=1)),
            b'* ESEARCH (TAG "A" MAILBOX "b c" UIDVALIDITY 7) UID COUNT 1\r\n',
        ),
        (
            responses.search_update(b"A", True, b"ADDTO", [(1, [5]), (7, [9])]),
            b'* ESEARCH (TAG "A") UID ADDTO (1 5 7 9)\r\n',
        ),
        (responses.sort([]), b"* SORT\r\n"),
        (responses.sort([5, 3], 9), b"* SORT 5 3 (MODSEQ 9)\r\n"),
        (responses.thread([], []), b"* THREAD\r\n"),
        # RFC 5256 section 4: a thread that branches, a missing parent, one after the other
        (
            responses.thread([2, 3, 6, 4, 23, 44, 7, 96], [0, 0, 1, 2, 3, 3, 4, 5]),
            b"* THREAD (2)(3 6 4 (23)(44 7 96))\r\n",
        ),
        (responses.thread([0, 3, 5], [0, 1, 1]), b"* THREAD ((3)(5))\r\n"),
        (responses.thread([0, 3, 4, 5, 6], [0, 1, 2, 1, 2]), b"* THREAD ((3 4)(5 6))\r\n"),
        (responses.thread([1, 2, 3, 4], [0, 1, 0, 0]), b"* THREAD (1 2)(3)(4)\r\n"),
        (codes.noupdate(b'a"'), b'NOUPDATE "a\\""'),
        (codes.inprogress(b"a", 3, 9), b'INPROGRESS ("a" 3 9)'),
        (codes.inprogress(b"a"), b'INPROGRESS ("a" NIL NIL)'),
        (responses.fetch_row(3, [b"UID 7", responses.flag_piece(["\\Seen"])]), b"* 3 FETCH (UID 7 FLAGS (\\Seen))\r\n"),
        (responses.fetch_rows([(1, [b"UID 2"]), (2, [b"UID 4"])]), b"* 1 FETCH (UID 2)\r\n* 2 FETCH (UID 4)\r\n"),
        (responses.content(b"BODY[]", b"a\r\n"), b"BODY[] {3}\r\na\r\n"),
        (responses.content(b"BODY[]", b"a\0"), b"BODY[] {2}\r\na\x1a"),
        (responses.content(b"BODY[9]", None), b"BODY[9] NIL"),
        (responses.content_head(b"BODY[]", 9), b"BODY[] {9}\r\n"),
        (responses.binary_content(b"BINARY[1]", b"ab"), b"BINARY[1] {2}\r\nab"),
        (responses.binary_content(b"BINARY[1]", b"a\0"), b"BINARY[1] ~{2}\r\na\0"),
        (responses.namespace([Namespace("", "/")]), b'* NAMESPACE (("" "/")) NIL NIL\r\n'),
        (
            responses.namespace(
                [Namespace("", "/")], [Namespace("~", "/")], [Namespace("#shared/", "/"), Namespace("#x", None)]
            ),
            b'* NAMESPACE (("" "/")) (("~" "/")) (("#shared/" "/")("#x" NIL))\r\n',
        ),
        (responses.identity([]), b"* ID NIL\r\n"),
        (responses.identity([("name", "Pillarbox")]), b'* ID ("name" "Pillarbox")\r\n'),
        (responses.quota("", [QuotaUse(b"STORAGE", 10, 512)]), b'* QUOTA "" (STORAGE 10 512)\r\n'),
        (responses.quota("", []), b'* QUOTA "" ()\r\n'),
        (responses.quotaroot("INBOX", [""]), b'* QUOTAROOT INBOX ""\r\n'),
        (responses.quotaroot("a b", []), b'* QUOTAROOT "a b"\r\n'),
        (codes.appenduid(38505, [3955]), b"APPENDUID 38505 3955"),
        (codes.copyuid(38505, [304, 319, 320], [3956, 3957, 3958]), b"COPYUID 38505 304,319:320 3956:3958"),
        (codes.capability(["A", "B"]), b"CAPABILITY A B"),
        (codes.permanentflags(["\\Seen"]), b"PERMANENTFLAGS (\\Seen \\*)"),
        (codes.permanentflags([], False), b"PERMANENTFLAGS ()"),
        (codes.uidnext(4), b"UIDNEXT 4"),
        (codes.uidvalidity(4), b"UIDVALIDITY 4"),
        (codes.unseen(4), b"UNSEEN 4"),
        (codes.highestmodseq(4), b"HIGHESTMODSEQ 4"),
        (codes.modified([7, 9]), b"MODIFIED 7,9"),
        (strings.astring(b"nil"), b'"nil"'),
        (strings.astring(b'a"b\\'), b'"a\\"b\\\\"'),
        (strings.nstring(None), b"NIL"),
        (strings.nstring(b"NIL"), b'"NIL"'),
        (strings.string(b"caf\xc3\xa9"), b"{5}\r\ncaf\xc3\xa9"),
        (strings.string(b"caf\xc3\xa9", True), b'"caf\xc3\xa9"'),
        (strings.string(b"\xff", True), b"{1}\r\n\xff"),
        (strings.string(b"a\nb"), b"{3}\r\na\nb"),
        (strings.string(b"x" * 1001)[:8], b"{1001}\r\n"),
    ],
)
def test_known_octets(written, octets):
    assert written == octets


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=20).map(lambda data: data.replace(b"\0", b"")), st.booleans())
def test_strings_read_back(data, utf8):
    assert string(Cursor(strings.string(data, utf8))) == data
    assert astring(Cursor(strings.astring(data, utf8))) == data


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20), st.booleans()
)
def test_mailbox_names_read_back(name, utf8):
    if name.upper().split("/")[0] != "INBOX":
        assert mailbox(Cursor(strings.mailbox(name, utf8), utf8=utf8)) == name


@settings(max_examples=300, deadline=None)
@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_dates_read_back(moment):
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    micros = (moment - datetime(1970, 1, 1, tzinfo=UTC)).days * 86_400_000_000 + (
        moment - datetime(1970, 1, 1, tzinfo=UTC)
    ).seconds * 1_000_000
    written = responses.internal_date(micros + 999_999)
    assert written == f'"{moment.day:2d}-{moment:%b}-{moment.year:04d} {moment:%H:%M:%S} +0000"'.encode()
    assert date_time(Cursor(written)) == micros


def read_threads(text: bytes) -> tuple[list[int], list[int]]:
    """A THREAD response as numbers and depths: what `responses.thread` was given."""
    numbers, depths = [], []
    above = [-1]  # the depth of the message that the next one answers, by open parenthesis
    for token in re.findall(rb"[()]|[0-9]+", text.removeprefix(b"* THREAD")):
        if token == b"(":
            if len(above) == 2 and above[-1] == -1 and (not depths or depths[-1] != 0 or numbers[-1]):
                numbers.append(0)
                depths.append(0)
                above[-1] = 0
            above.append(above[-1])
        elif token == b")":
            above.pop()
        else:
            above[-1] += 1
            numbers.append(int(token))
            depths.append(above[-1])
    return numbers, depths


@given(st.lists(st.integers(0, 5), max_size=30), st.lists(st.booleans(), max_size=30))
def test_threads_can_be_read_back(drawn, missing):
    depths: list[int] = []
    for depth in drawn:
        depths.append(min(depth, depths[-1] + 1) if depths else 0)
    numbers = list(range(1, len(depths) + 1))
    for place, (depth, gone) in enumerate(zip(depths, missing, strict=False)):
        below = 0
        for other in depths[place + 1 :]:
            if other <= depth:
                break
            below += other == depth + 1
        if gone and depth == 0 and below > 1:
            numbers[place] = 0
    assert read_threads(responses.thread(numbers, depths)) == (numbers, depths)
