"""A maildrop: the inbox as it was at login, and what the client has done to it since (RFC 1939 sections 3 to 6).

Message numbers count from 1 in order of uid and never move; mail that arrives during the session is not in it, and a
message that others expunge keeps its number. `Maildrop` holds no lock and changes nothing in the store: what is
marked here is removed by QUIT (`update.py`).

A unique-id is "UIDVALIDITY.UID": it never repeats, since neither does the pair of them (RFC 1939 section 7, UIDL).
"""

from array import array
from collections.abc import Iterator

from pillarbox.base.clock import MICROSECONDS
from pillarbox.model.email import Flag, Wanted
from pillarbox.model.ids import AccountId, MailboxId, Uid
from pillarbox.model.mailbox import INBOX
from pillarbox.model.store import MailStore

_DAY = 86_400 * MICROSECONDS


class Maildrop:
    """See the module's contract. Octets are RFC822 sizes. 17 octets of memory for each message."""

    __slots__ = ("_expired", "_marked", "_marked_octets", "_octets", "_retrieved", "_seen", "_sizes", "_uids",
                 "mailbox", "uid_validity")  # fmt: skip

    def __init__(self, mailbox: MailboxId, uid_validity: int) -> None:
        self.mailbox = mailbox
        self.uid_validity = uid_validity
        self._uids = array("Q")
        self._sizes = array("Q")
        self._seen = bytearray()
        self._octets = 0
        self._marked: set[int] = set()
        self._marked_octets = 0
        self._retrieved: set[int] = set()
        self._expired: set[int] = set()

    @classmethod
    async def open(cls, store: MailStore, account: AccountId, expire_days: int, now: int) -> "Maildrop":
        """The inbox of an account as it is now.

        With `expire_days` above 0, messages that had been read and are older than that at `now` are due to go.
        """
        inbox = await store.mailbox(account, INBOX)
        drop = cls(inbox.id, inbox.uid_validity)
        uids, _ = await store.uids(inbox.id)
        wanted = Wanted.SIZE | (Wanted.RECEIVED if expire_days > 0 else Wanted.NOTHING)
        before = now - expire_days * _DAY
        async for page in store.fetch(inbox.id, uids, wanted):
            for message in page:
                drop._add(message.uid, message.size, bool(message.flags & Flag.SEEN))
            if expire_days > 0:
                drop._expired.update(
                    message.uid for message in page if message.flags & Flag.SEEN and message.received_at < before
                )
        return drop

    def _add(self, uid: int, size: int, seen: bool) -> None:
        self._uids.append(uid)
        self._sizes.append(size)
        self._seen.append(seen)
        self._octets += size

    @property
    def count(self) -> int:
        """Messages that are not marked."""
        return len(self._uids) - len(self._marked)

    @property
    def octets(self) -> int:
        """Their octets in all."""
        return self._octets - self._marked_octets

    def exists(self, number: int) -> bool:
        """Whether a message has that number, marked or not."""
        return number <= len(self._uids)

    def marked(self, number: int) -> bool:
        """Whether it is marked as deleted."""
        return number in self._marked

    def uid(self, number: int) -> Uid:
        """The uid of a message that exists."""
        return Uid(self._uids[number - 1])

    def scan_line(self, number: int) -> str:
        """A message's line in LIST."""
        return f"{number} {self._sizes[number - 1]}"

    def unique_line(self, number: int) -> str:
        """A message's line in UIDL."""
        return f"{number} {self.uid_validity}.{self._uids[number - 1]}"

    def numbers(self) -> Iterator[int]:
        """The numbers of all messages that are not marked."""
        marked = self._marked
        return (number for number in range(1, len(self._uids) + 1) if number not in marked)

    def mark(self, number: int) -> None:
        """Marks a message as deleted."""
        self._marked.add(number)
        self._marked_octets += self._sizes[number - 1]

    def unmark_all(self) -> None:
        """Nothing is marked any more."""
        self._marked.clear()
        self._marked_octets = 0

    def retrieved(self, number: int) -> None:
        """The client was sent the whole message."""
        self._retrieved.add(number)

    def to_remove(self, expire_days: int) -> list[Uid]:
        """What goes at QUIT, sorted: what is marked, and what has expired (RFC 2449 section 6.7): with 0 days what was
        retrieved in this session, otherwise what was due at login."""
        numbers = self._marked | self._retrieved if expire_days == 0 else self._marked
        return [Uid(uid) for uid in sorted({self._uids[number - 1] for number in numbers} | self._expired)]

    def to_flag_seen(self) -> list[Uid]:
        """What was retrieved and counted as unseen at login, sorted."""
        return [self.uid(number) for number in sorted(self._retrieved) if not self._seen[number - 1]]
