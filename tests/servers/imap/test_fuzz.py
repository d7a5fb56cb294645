"""Invariant: whatever well-formed command comes, in whatever state, it gets one tagged answer, and nothing is raised.

Commands are put together at random from a small grammar, on the store in memory and on a real one; both must answer
with the same status and response code.
"""

import asyncio
import random
import re
from pathlib import Path

import pytest

from pillarbox.testing.imaphouse import ImapPeer, house
from pillarbox.testing.letters import entity, head
from pillarbox.testing.memorystore import MemoryStore
from pillarbox.testing.realstore import real_store

SEEDS = 12
COMMANDS = 150
BOXES = ["INBOX", "inbox", "Archive", "Drafts", "nowhere", "a/b", "a", '"with space"', "INBOX/x", '""', "a//b", '"/"',
         "x" * 300, "Junk", "&AOk-", '"*"', '"%"']  # fmt: skip
FLAGS = ["\\Seen", "\\Deleted", "\\Flagged", "$Work", "\\Nonsense", "nil", "Junk", "\\Draft"]
ITEMS = ["FLAGS", "UID", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "BODY[]", "BODY.PEEK[]",
         "BODY.PEEK[TEXT]<0.10>", "BODY[HEADER]", "BODY.PEEK[HEADER.FIELDS (From \"X y\")]", "RFC822.TEXT", "BODY[1]",
         "BODY.PEEK[HEADER.FIELDS.NOT (Subject)]", "BODY.PEEK[1.MIME]", "BODY.PEEK[2.HEADER]", "BINARY.PEEK[1]",
         "BODY.PEEK[HEADER.FIELDS (Subject %d)]<2.3>", "BINARY.SIZE[2]", "BODY.PEEK[1.1.1.1.1]", "MODSEQ",
         "EMAILID", "THREADID", "SAVEDATE", "PREVIEW", "PREVIEW (LAZY)", "BINARY[2.1]<3.5>", "RFC822.HEADER", "BODY.PEEK[]<4294967295.1>", "BINARY.PEEK[]"]  # fmt: skip
KEYS = ["ALL", "SEEN", "NEW", "OLD", "RECENT", "1:*", "*", "$", "UID 1:*", "UID $", "FROM p1", "SUBJECT \"a b\"", "BODY x",
        "TEXT x", "HEADER Received \"\"", "HEADER X \"\"", "KEYWORD $Work", "UNKEYWORD x", "LARGER 100", "SMALLER 0",
        "ON 14-Nov-2023", "SENTSINCE 1-Jan-0001", "SENTON 31-Dec-9999", "BEFORE 1-Jan-1970", "MODSEQ 5", "NOT DRAFT",
        "OLDER 5", "YOUNGER 90000", "SAVEDON 14-Nov-2023", "EMAILID e1", "THREADID t5", "OR SEEN 99", "(SEEN (NOT UID 5))", "NOT $", "FUZZY BODY x", "CC x", "BCC x", "TO p"]  # fmt: skip
SORTS = ["ARRIVAL", "CC", "DATE", "FROM", "SIZE", "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO", "REVERSE DATE",
         "REVERSE SUBJECT", "REVERSE FROM", "RELEVANCY"]  # fmt: skip
THREADS = ["ORDEREDSUBJECT", "REFERENCES", "REFS", "refs"]
SOURCES = ["selected", "personal", "inboxes", "subscribed", "subtree a", "subtree-one (a INBOX)", "mailboxes Archive"]
RETURNS = ["", "RETURN (PARTIAL 2:3 SAVE) ", "RETURN (PARTIAL -1:-2 COUNT) ", "RETURN (UPDATE ALL) ",
           "RETURN (RELEVANCY ALL) ", "RETURN () ", "RETURN (SAVE) ", "RETURN (MIN MAX) ", "RETURN (COUNT SAVE MIN) ", "RETURN (ALL COUNT) "]  # fmt: skip
PATTERNS = ["*", "%", "a/%", "inbox", '""', "(* %)", "()", "*%*%", "INBOX%"]
STATUS = ["MESSAGES", "UIDNEXT", "UNSEEN", "SIZE", "DELETED", "RECENT", "APPENDLIMIT", "HIGHESTMODSEQ",
          "DELETED-STORAGE"]  # fmt: skip


class Grammar:
    """Random commands."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng

    def one(self, words: list[str]) -> str:
        return self.rng.choice(words)

    def some(self, words: list[str]) -> str:
        return " ".join(self.rng.sample(words, self.rng.randint(1, 3)))

    def numbers(self) -> str:
        def number() -> str:
            return self.one(["*", "1", "2", "3", "5", "9", "4294967295", str(self.rng.randint(1, 12))])

        parts = [
            number() if self.rng.random() < 0.5 else f"{number()}:{number()}" for _ in range(self.rng.randint(1, 3))
        ]
        return "$" if self.rng.random() < 0.1 else ",".join(parts)

    def command(self) -> str:
        uid = self.one(["", "UID "])
        return self.one(
            [
                "NOOP", "CHECK", "CAPABILITY", "NAMESPACE", "UNSELECT", "CLOSE", "EXPUNGE", "ID NIL", "ENABLE IMAP4rev2",
                "STARTTLS", "LOGIN a b", "GETQUOTA \"\"", f"GETQUOTAROOT {self.one(BOXES)}",
                f"SELECT {self.one(BOXES)}", "SELECT INBOX", "SELECT INBOX", f"EXAMINE {self.one(BOXES)}",
                f"CREATE {self.one(BOXES)}", f"DELETE {self.one(BOXES[2:])}",
                f"RENAME {self.one(BOXES)} {self.one(BOXES)}", f"SUBSCRIBE {self.one(BOXES)}",
                f"UNSUBSCRIBE {self.one(BOXES)}", f"STATUS {self.one(BOXES)} ({self.some(STATUS)})",
                f"LIST {self.one(BOXES)} {self.one(PATTERNS)}", f"LSUB \"\" {self.one(PATTERNS)}",
                f"LIST (SUBSCRIBED RECURSIVEMATCH) \"\" {self.one(PATTERNS)}",
                f"LIST (SPECIAL-USE) \"\" {self.one(PATTERNS)} RETURN (SUBSCRIBED STATUS ({self.some(STATUS)}))",
                f"{uid}FETCH {self.numbers()} ({self.some(ITEMS)})", f"{uid}FETCH {self.numbers()} ({self.some(ITEMS)})",
                f"{uid}FETCH {self.numbers()} FAST (CHANGEDSINCE {self.rng.randint(0, 30)})",
                f"{uid}STORE {self.numbers()} {self.one(['', '+', '-'])}FLAGS{self.one(['', '.SILENT'])}"
                f" ({self.some(FLAGS)})",
                f"{uid}STORE {self.numbers()} (UNCHANGEDSINCE {self.rng.randint(0, 30)}) +FLAGS (\\Answered)",
                f"{uid}SEARCH {self.one(RETURNS)}{self.some(KEYS)}", f"{uid}SEARCH {self.some(KEYS)}",
                f"{uid}SORT {self.one(RETURNS)}({self.some(SORTS)}) UTF-8 {self.some(KEYS)}",
                f"{uid}SORT ({self.some(SORTS[:-1])}) UTF-8 ALL",
                f"{uid}THREAD {self.one(THREADS)} UTF-8 {self.one(['ALL', self.some(KEYS)])}",
                f"ESEARCH IN ({self.some(SOURCES)}) {self.one(RETURNS)}{self.some(KEYS)}",
                f'CANCELUPDATE "t{self.rng.randint(0, 150)}"',
                f"UID FETCH {self.numbers()} UID (PARTIAL {self.one(['1:2', '-1:-3', '5:9'])})",
                f"{uid}COPY {self.numbers()} {self.one(BOXES)}", f"{uid}MOVE {self.numbers()} {self.one(BOXES)}",
                f"UID EXPUNGE {self.numbers()}",
                f"APPEND {self.one(BOXES)} ({self.some(FLAGS)}) {{3+}}\r\nabc",
                f"APPEND {self.one(BOXES)} {{3+}}\r\nabc ({self.some(FLAGS)}) {{3+}}\r\ndef {{{self.one('01')}+}}\r\n",
                f"REPLACE {self.one(['1', '2', '*', '77'])} {self.one(BOXES)} {{3+}}\r\nghi",
                f"UID REPLACE {self.rng.randint(1, 12)} {self.one(BOXES)} (\\Seen) {{3+}}\r\nghi",
                self.one(["ENABLE CONDSTORE", "ENABLE QRESYNC", "NOOP", "NOOP", "NOOP"]),
                f"SELECT INBOX (QRESYNC (1700000000 {self.rng.randint(0, 40)} 1:9))",
                f"UID FETCH {self.numbers()} FLAGS (CHANGEDSINCE {self.rng.randint(0, 30)} VANISHED)",
            ]
        )  # fmt: skip


async def converse(peer: ImapPeer, commands: list[str]) -> list[bytes]:
    """The status and code of each command's answer, and what was sorted and threaded."""
    ends = []
    for number, command in enumerate(commands):
        answer = await peer.command(f"t{number} {command}")
        last = answer.splitlines()[-1]
        found = re.match(rb"t%d ((?:OK|NO|BAD)(?: \[[A-Z-]+)?)" % number, last)
        assert found, f"{command!r} was answered {answer!r}"
        assert len(re.findall(rb"^t%d " % number, answer, re.MULTILINE)) == 1
        sorted_or_threaded = re.findall(rb"^\* (?:SORT|THREAD)\b[^\r]*", answer, re.MULTILINE)
        ends.append(b" ".join([found[1], *sorted_or_threaded]))
    return ends


@pytest.mark.parametrize("seed", range(SEEDS))
def test_one_answer_to_every_command(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    letters = ["\r\n".join([*head(rng), *entity(rng)]).encode() for _ in range(8)]
    commands = [Grammar(rng).command() for _ in range(COMMANDS)]

    async def run() -> None:
        with real_store(tmp_path) as real:
            ends = []
            for store in (MemoryStore(), real):
                async with house(store, tmp_path) as one:
                    for letter in letters:
                        await one.deliver(letter)
                    ends.append(await converse(await one.login(), commands))
        for command, in_memory, really in zip(commands, *ends, strict=True):
            assert in_memory == really, f"{command!r}: {in_memory!r} in memory, {really!r} really"

    asyncio.run(run())
