"""Every command: known texts and the typed command each one is; and texts that are wrong."""

from datetime import date

import pytest

from pillarbox.wire.imap.commands.append import AppendStart, parse_append
from pillarbox.wire.imap.commands.authenticate import Authenticate
from pillarbox.wire.imap.commands.cancelupdate import CancelUpdate
from pillarbox.wire.imap.commands.copy import Copy, Move
from pillarbox.wire.imap.commands.enable import Enable
from pillarbox.wire.imap.commands.esearch import Esearch, Source
from pillarbox.wire.imap.commands.expunge import Expunge
from pillarbox.wire.imap.commands.fetch import Fetch
from pillarbox.wire.imap.commands.identify import Id
from pillarbox.wire.imap.commands.list import List, Lsub
from pillarbox.wire.imap.commands.login import Login
from pillarbox.wire.imap.commands.names import Create, Delete, Rename, Subscribe, Unsubscribe
from pillarbox.wire.imap.commands.quota import GetQuota, GetQuotaRoot, SetQuota
from pillarbox.wire.imap.commands.search import Returns, Search
from pillarbox.wire.imap.commands.select import Resync, Select
from pillarbox.wire.imap.commands.simple import (
    Capability,
    Check,
    Close,
    Idle,
    Logout,
    Namespaces,
    Noop,
    StartTls,
    Unselect,
)
from pillarbox.wire.imap.commands.sort import Sort
from pillarbox.wire.imap.commands.status import Status
from pillarbox.wire.imap.commands.store import Store
from pillarbox.wire.imap.commands.table import PARSERS, head
from pillarbox.wire.imap.commands.thread import Thread
from pillarbox.wire.imap.cursor import Cursor, ParseError
from pillarbox.wire.imap.fetch_items import (
    Attribute,
    BinarySection,
    BinarySize,
    BodySection,
    Partial,
    Section,
)
from pillarbox.wire.imap.fragments import literal_marker
from pillarbox.wire.imap.nouns import (
    ListReturn,
    ListSelect,
    MailboxFilter,
    PartialRange,
    SearchReturn,
    SortField,
    SortKey,
    StatusItem,
    StoreAction,
    ThreadAlgorithm,
)
from pillarbox.wire.imap.search_keys import (
    All,
    And,
    Arrived,
    Body,
    EmailId,
    Envelope,
    Field,
    Flagged,
    Fuzzy,
    Header,
    Larger,
    ModSeq,
    Not,
    Older,
    Or,
    Recent,
    Saved,
    Sent,
    Sequence,
    Smaller,
    Text,
    ThreadId,
    Uid,
    When,
    Younger,
)
from pillarbox.wire.imap.sequence_set import SAVED, STAR, SequenceSet

ONE = SequenceSet(((1, 1),))
A = b"a"


def parse(text, utf8=False):
    start = head(text, utf8)
    return PARSERS[start.verb](start.tag, start.cursor)


def body(label, *args, **more):
    return BodySection(b"BODY[" + label + b"]", *args, **more)


SIMPLE = [
    (b"CAPABILITY", Capability(A)),
    (b"noop", Noop(A)),
    (b"LOGOUT", Logout(A)),
    (b"STARTTLS", StartTls(A)),
    (b"CHECK", Check(A)),
    (b"CLOSE", Close(A)),
    (b"UNSELECT", Unselect(A)),
    (b"NAMESPACE", Namespaces(A)),
    (b"IDLE", Idle(A)),
    (b"EXPUNGE", Expunge(A)),
    (b"UID EXPUNGE 3000:3002", Expunge(A, SequenceSet(((3000, 3002),)))),
    (b"ID NIL", Id(A, ())),
    (b"ID ()", Id(A, ())),
    (b'ID ("Name" "sodr" "version" NIL)', Id(A, (("name", "sodr"), ("version", None)))),
    (b"LOGIN SMITH SESAME", Login(A, "SMITH", "SESAME")),
    (b'LOGIN {5}\r\nSMITH "p \\"w"', Login(A, "SMITH", 'p "w')),
    (b'LOGIN smith "caf\xc3\xa9"', Login(A, "smith", "café")),
    (b"AUTHENTICATE PLAIN", Authenticate(A, "PLAIN", None)),
    (b"AUTHENTICATE plain =", Authenticate(A, "PLAIN", b"")),
    (b"AUTHENTICATE PLAIN AHRlc3QAdGVzdA==", Authenticate(A, "PLAIN", b"\0test\0test")),
    (b"ENABLE CONDSTORE X-GOOD-IDEA UTF8=ACCEPT", Enable(A, ("CONDSTORE", "X-GOOD-IDEA", "UTF8=ACCEPT"))),
    (b"SELECT inbox", Select(A, "INBOX")),
    (b"SELECT inbox (CONDSTORE)", Select(A, "INBOX", False, True)),
    (
        b"SELECT inbox (QRESYNC (67890007 20050715194045000))",
        Select(A, "INBOX", resync=Resync(67890007, 20050715194045000)),
    ),
    (
        b"SELECT INBOX (QRESYNC (67890007 9 41,43:211,214:541) CONDSTORE)",
        Select(A, "INBOX", False, True, Resync(67890007, 9, SequenceSet(((41, 41), (43, 211), (214, 541))))),
    ),
    (
        b"EXAMINE INBOX (QRESYNC (6 9 1:5 (1,3 2:3)))",
        Select(
            A,
            "INBOX",
            True,
            resync=Resync(6, 9, SequenceSet(((1, 5),)), (SequenceSet(((1, 1), (3, 3))), SequenceSet(((2, 3),)))),
        ),
    ),
    (
        b"SELECT INBOX (QRESYNC (6 9 (4 7)))",
        Select(A, "INBOX", resync=Resync(6, 9, None, (SequenceSet(((4, 4),)), SequenceSet(((7, 7),))))),
    ),
    (b"EXAMINE blurdybloop", Select(A, "blurdybloop", True)),
    (b"CREATE owatagusiam/", Create(A, "owatagusiam")),
    (b"CREATE MySpecial (USE (\\Drafts \\Sent))", Create(A, "MySpecial", ("\\Drafts", "\\Sent"))),
    (b"DELETE foo/bar", Delete(A, "foo/bar")),
    (b"RENAME blurdybloop sarasoop", Rename(A, "blurdybloop", "sarasoop")),
    (b"SUBSCRIBE #news.comp.mail.mime", Subscribe(A, "#news.comp.mail.mime")),
    (b"UNSUBSCRIBE x", Unsubscribe(A, "x")),
    (b'LSUB "#news." "comp.mail.*"', Lsub(A, "#news.", "comp.mail.*")),
    (b"STATUS blurdybloop (UIDNEXT MESSAGES)", Status(A, "blurdybloop", (StatusItem.UIDNEXT, StatusItem.MESSAGES))),
    (b"STATUS x (size deleted size)", Status(A, "x", (StatusItem.SIZE, StatusItem.DELETED))),
    (b'GETQUOTA ""', GetQuota(A, "")),
    (b"GETQUOTAROOT inbox", GetQuotaRoot(A, "INBOX")),
    (b'SETQUOTA "" (STORAGE 512 message 100)', SetQuota(A, "", (("STORAGE", 512), ("MESSAGE", 100)))),
    (b'SETQUOTA "" ()', SetQuota(A, "", ())),
    (b"COPY 2:4 MEETING", Copy(A, False, SequenceSet(((2, 4),)), "MEETING")),
    (b"UID MOVE 42:69 foo", Move(A, True, SequenceSet(((42, 69),)), "foo")),
    (b"MOVE $ foo", Move(A, False, SAVED, "foo")),
    (b"UID COPY * foo", Copy(A, True, SequenceSet(((STAR, STAR),)), "foo")),
    (b"NOOP ", Noop(A)),
]

LISTS = [
    (b'LIST "" ""', List(A, "", ("",))),
    (b"LIST ~/Mail/ %", List(A, "~/Mail/", ("%",))),
    (b'LIST () "" *', List(A, "", ("*",), extended=True)),
    (b'LIST (SUBSCRIBED) "" "*"', List(A, "", ("*",), frozenset({ListSelect.SUBSCRIBED}), extended=True)),
    (b'LIST "" % RETURN (CHILDREN)', List(A, "", ("%",), returns=frozenset({ListReturn.CHILDREN}), extended=True)),
    (b'LIST "" ("INBOX" "Drafts" "Sent/%")', List(A, "", ("INBOX", "Drafts", "Sent/%"), extended=True)),
    (
        b'LIST (SUBSCRIBED RECURSIVEMATCH) "" % RETURN (SPECIAL-USE STATUS (MESSAGES UNSEEN) SUBSCRIBED)',
        List(
            A,
            "",
            ("%",),
            frozenset({ListSelect.SUBSCRIBED, ListSelect.RECURSIVEMATCH}),
            frozenset({ListReturn.SPECIAL_USE, ListReturn.SUBSCRIBED}),
            (StatusItem.MESSAGES, StatusItem.UNSEEN),
            True,
        ),
    ),
    (b'LIST "" % RETURN ()', List(A, "", ("%",), extended=True)),
    (b'LIST (SPECIAL-USE) "" *', List(A, "", ("*",), frozenset({ListSelect.SPECIAL_USE}), extended=True)),
]

FETCHES = [
    (b"FETCH 1 UID", (Attribute.UID,)),
    (b"FETCH 1 (EMAILID THREADID SAVEDATE)", (Attribute.EMAILID, Attribute.THREADID, Attribute.SAVEDATE)),
    (b"FETCH 1 preview", (Attribute.PREVIEW,)),
    (b"FETCH 1 PREVIEW (lazy)", (Attribute.PREVIEW,)),
    (b"FETCH 1 (PREVIEW (LAZY) PREVIEW UID)", (Attribute.PREVIEW, Attribute.UID)),
    (b"FETCH 1 fast", (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE)),
    (b"FETCH 1 ALL", (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE, Attribute.ENVELOPE)),
    (b"FETCH 1 FULL", (Attribute.FLAGS, Attribute.INTERNALDATE, Attribute.SIZE, Attribute.ENVELOPE, Attribute.BODY)),
    (b"FETCH 1 (FLAGS FLAGS BODYSTRUCTURE MODSEQ)", (Attribute.FLAGS, Attribute.BODYSTRUCTURE, Attribute.MODSEQ)),
    (b"FETCH 1 RFC822", (BodySection(b"RFC822"),)),
    (b"FETCH 1 RFC822.HEADER", (BodySection(b"RFC822.HEADER", section=Section.HEADER, peek=True),)),
    (b"FETCH 1 RFC822.TEXT", (BodySection(b"RFC822.TEXT", section=Section.TEXT),)),
    (b"FETCH 1 RFC822.SIZE", (Attribute.SIZE,)),
    (b"FETCH 1 BODY[]", (body(b""),)),
    (b"FETCH 1 BODY.PEEK[]<0.2048>", (BodySection(b"BODY[]<0>", partial=Partial(0, 2048), peek=True),)),
    (b"FETCH 1 body[header]", (body(b"HEADER", (), Section.HEADER),)),
    (b"FETCH 1 BODY[4.2.2.1]", (body(b"4.2.2.1", (4, 2, 2, 1)),)),
    (b"FETCH 1 BODY[3.HEADER]", (body(b"3.HEADER", (3,), Section.HEADER),)),
    (b"FETCH 1 BODY[4.1.MIME]", (body(b"4.1.MIME", (4, 1), Section.MIME),)),
    (b"FETCH 1 BODY[4.2.TEXT]", (body(b"4.2.TEXT", (4, 2), Section.TEXT),)),
    (
        b"FETCH 1 (FLAGS BODY[HEADER.FIELDS (DATE From)])",
        (Attribute.FLAGS, body(b"HEADER.FIELDS (DATE From)", (), Section.HEADER_FIELDS, ("DATE", "From"))),
    ),
    (
        b'FETCH 1 BODY.PEEK[2.HEADER.FIELDS.NOT ("a b")]',
        (body(b'2.HEADER.FIELDS.NOT ("a b")', (2,), Section.HEADER_FIELDS_NOT, ("a b",), peek=True),),
    ),
    (b"FETCH 1 BINARY[1]", (BinarySection(b"BINARY[1]", (1,)),)),
    (b"FETCH 1 BINARY.PEEK[1.2]<5.10>", (BinarySection(b"BINARY[1.2]<5>", (1, 2), Partial(5, 10), True),)),
    (b"FETCH 1 BINARY.SIZE[]", (BinarySize(b"BINARY.SIZE[]", ()),)),
]

SEARCHES = [
    (b"ALL", All()),
    (
        b'FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"',
        And((Flagged("\\Flagged"), Arrived(When.SINCE, date(1994, 2, 1)), Not(Envelope(Field.FROM, "Smith")))),
    ),
    (b"OR SEEN UNSEEN", Or(Flagged("\\Seen"), Flagged("\\Seen", False))),
    (
        b"OR (SEEN DRAFT) NOT NOT UNDELETED",
        Or(And((Flagged("\\Seen"), Flagged("\\Draft"))), Not(Not(Flagged("\\Deleted", False)))),
    ),
    (b"NEW", And((Recent(), Flagged("\\Seen", False)))),
    (b"OLD", Not(Recent())),
    (b"UID 5:7 2,4", And((Uid(SequenceSet(((5, 7),))), Sequence(SequenceSet(((2, 2), (4, 4))))))),
    (b"$", Sequence(SAVED)),
    (b"UID $", Uid(SAVED)),
    (b'HEADER Message-ID ""', Header("Message-ID", "")),
    (b"BODY {3}\r\na b", Body("a b")),
    (b'CHARSET UTF-8 TEXT "caf\xc3\xa9"', Text("café")),
    (b'CHARSET "us-ascii" SUBJECT x', Envelope(Field.SUBJECT, "x")),
    (b"KEYWORD $Junk UNKEYWORD a", And((Flagged("$Junk"), Flagged("a", False)))),
    (b"LARGER 1000 SMALLER 9", And((Larger(1000), Smaller(9)))),
    (
        b'SENTON 1-Jan-2020 BEFORE "2-Jan-2020"',
        And((Sent(When.ON, date(2020, 1, 1)), Arrived(When.BEFORE, date(2020, 1, 2)))),
    ),
    (b"((SEEN))", Flagged("\\Seen")),
    (b'MODSEQ "/flags/\\\\draft" all 620162338', ModSeq(620162338)),
    (b"MODSEQ 5", ModSeq(5)),
    (b"SAVEDBEFORE 1-Feb-2023", Saved(When.BEFORE, date(2023, 2, 1))),
    (b"SAVEDON 1-Feb-2023", Saved(When.ON, date(2023, 2, 1))),
    (b"SAVEDSINCE 1-Feb-2023", Saved(When.SINCE, date(2023, 2, 1))),
    (b"SAVEDATESUPPORTED", All()),
    (b"OLDER 60", Older(60)),
    (b"YOUNGER 4294967295", Younger(4294967295)),
    (b"EMAILID e1-2_B", EmailId("e1-2_B")),
    (b"THREADID t7", ThreadId("t7")),
]

STORES = [
    (b"STORE 1 +FLAGS (\\Deleted)", Store(A, False, ONE, StoreAction.ADD, ("\\Deleted",))),
    (b"STORE 1 -flags.silent \\Seen $x", Store(A, False, ONE, StoreAction.REMOVE, ("\\Seen", "$x"), True)),
    (b"UID STORE 1 FLAGS ()", Store(A, True, ONE, StoreAction.REPLACE, ())),
    (b"STORE 1 (UNCHANGEDSINCE 9) +FLAGS a", Store(A, False, ONE, StoreAction.ADD, ("a",), False, 9)),
]


@pytest.mark.parametrize(("text", "command"), SIMPLE + LISTS + STORES)
def test_commands(text, command):
    parsed = parse(b"a " + text)
    assert parsed == command
    assert parsed.tag == b"a"


@pytest.mark.parametrize(("text", "items"), FETCHES)
def test_fetches(text, items):
    assert parse(b"a " + text) == Fetch(A, False, ONE, items)
    rest = tuple(item for item in items if item is not Attribute.UID)
    assert parse(b"a UID " + text) == Fetch(A, True, ONE, (Attribute.UID, *rest))
    assert parse(b"a " + text + b" (CHANGEDSINCE 7)") == Fetch(A, False, ONE, items, 7)
    both = Fetch(A, True, ONE, (Attribute.UID, *(item for item in items if item is not Attribute.UID)), 7, True)
    assert parse(b"a UID " + text + b" (CHANGEDSINCE 7 VANISHED)") == both
    assert parse(b"a UID " + text + b" (VANISHED CHANGEDSINCE 7)") == both


@pytest.mark.parametrize(("text", "key"), SEARCHES)
def test_searches(text, key):
    assert parse(b"a SEARCH " + text) == Search(A, False, key)
    assert parse(b"a uid search return () " + text) == Search(A, True, key, Returns(frozenset({SearchReturn.ALL})))
    options = frozenset({SearchReturn.MIN, SearchReturn.COUNT, SearchReturn.SAVE})
    assert parse(b"a SEARCH RETURN (MIN COUNT save) " + text) == Search(A, False, key, Returns(options))
    part = Returns(frozenset({SearchReturn.PARTIAL, SearchReturn.UPDATE}), PartialRange(-1, -50))
    assert parse(b"a SEARCH RETURN (PARTIAL -50:-1 UPDATE) " + text) == Search(A, False, key, part)
    if text.startswith(b"CHARSET"):
        return
    by_date = (SortKey(SortField.SUBJECT), SortKey(SortField.DATE, True))
    assert parse(b"a UID SORT (subject reverse date) utf-8 " + text) == Sort(A, True, by_date, key)
    assert parse(b"a SORT RETURN () (ARRIVAL) US-ASCII " + text) == Sort(
        A, False, (SortKey(SortField.ARRIVAL),), key, Returns(frozenset({SearchReturn.ALL}))
    )
    assert parse(b'a THREAD refs "UTF-8" ' + text) == Thread(A, False, ThreadAlgorithm.REFS, key)
    assert parse(b"a ESEARCH " + text) == Esearch(A, (Source(MailboxFilter.SELECTED),), key)


def test_searches_in_several_mailboxes():
    found = parse(b'a ESEARCH IN (mailboxes (inbox "a b") subtree-one x personal) RETURN (COUNT) CHARSET UTF-8 UNSEEN')
    sources = (
        Source(MailboxFilter.MAILBOXES, ("INBOX", "a b")), Source(MailboxFilter.SUBTREE_ONE, ("x",)),
        Source(MailboxFilter.PERSONAL),
    )  # fmt: skip
    assert found == Esearch(A, sources, Flagged("\\Seen", False), Returns(frozenset({SearchReturn.COUNT})))


def test_what_belongs_to_searches():
    assert parse(b'a CANCELUPDATE "b" "c d"') == CancelUpdate(A, (b"b", b"c d"))
    fuzzy = Fuzzy(Envelope(Field.SUBJECT, "x"))
    options = frozenset({SearchReturn.RELEVANCY, SearchReturn.ALL})
    assert parse(b"a SEARCH RETURN (RELEVANCY ALL) FUZZY SUBJECT x") == Search(A, False, fuzzy, Returns(options))
    assert parse(b"a SORT (RELEVANCY) UTF-8 FUZZY SUBJECT x") == Sort(A, False, (SortKey(SortField.RELEVANCY),), fuzzy)
    assert parse(b"a UID FETCH 1 UID (PARTIAL 3:7)") == Fetch(
        A, True, ONE, (Attribute.UID,), partial=PartialRange(3, 7)
    )


def test_an_unknown_charset_is_refused_with_those_there_are():
    with pytest.raises(ParseError) as error:
        parse(b"a SEARCH CHARSET KOI8-R ALL")
    assert error.value.refused
    assert error.value.code == b"BADCHARSET (US-ASCII UTF-8)"


def test_secrets_do_not_show():
    assert "SESAME" not in repr(parse(b"a LOGIN SMITH SESAME"))
    assert "test" not in repr(parse(b"a AUTHENTICATE PLAIN AHRlc3QAdGVzdA=="))


def test_names_in_utf8():
    assert parse('a SELECT "Entwürfe"'.encode(), True) == Select(A, "Entwürfe")
    assert parse(b'a LIST "" "Entw%"', True) == List(A, "", ("Entw%",))


def append(text):
    start = head(text)
    return parse_append(start.tag, start.cursor, literal_marker(text.removesuffix(b"\r\n")))


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (b"a APPEND saved-messages (\\Seen) {326}\r\n", AppendStart(A, "saved-messages", ("\\Seen",), None, 326)),
        (b"a APPEND inbox {0+}\r\n", AppendStart(A, "INBOX", (), None, 0)),
        (b'a APPEND x () " 1-Jan-1970 00:00:01 +0000" ~{5}\r\n', AppendStart(A, "x", (), 1_000_000, 5, True)),
        (b'a APPEND "a b" "01-Jan-1970 00:00:00 +0000" {5+}\r\n', AppendStart(A, "a b", (), 0, 5)),
        (b"a APPEND {5}\r\n", None),
        (b"a APPEND {5+}\r\n", None),
        (b"a APPEND {5}\r\ninbox {9}\r\n", AppendStart(A, "INBOX", (), None, 9)),
    ],
)
def test_append(text, start):
    assert append(text) == start


@pytest.mark.parametrize(
    "text",
    [
        b"a APPEND x{5}\r\n",
        b"a APPEND x (a {5}\r\n",
        b"a APPEND x foo {5}\r\n",
        b"a APPEND x {y{5}\r\n",
        b"a APPEND ~{5}\r\n",
        b"a APPEND x  {5}\r\n",
        b'a APPEND x "1-Jan-1970" {5}\r\n',
        b"a APPEND x CATENATE (TEXT {5}\r\n",
    ],
)
def test_wrong_appends(text):
    with pytest.raises(ParseError):
        append(text)


@pytest.mark.parametrize(
    ("text", "tag", "verb"),
    [
        (b"a noop", b"a", b"NOOP"),
        (b"a uid fetch 1 x", b"a", b"UID FETCH"),
        (b"a UID", b"a", b""),
        (b"a", b"a", b""),
        (b"a  NOOP", b"a", b""),
        (b"", b"", b""),
        (b" NOOP", b"", b""),
        (b"* NOOP", b"", b""),
        (b"\x16\x03\x01", b"", b""),
    ],
)
def test_head(text, tag, verb):
    start = head(text)
    assert (start.tag, start.verb) == (tag, verb)


def test_trailing_data_belongs_to_nobody():
    cursor = Cursor(b" x y")
    with pytest.raises(ParseError):
        PARSERS[b"DELETE"](A, cursor)
