"""Which names a LIST or LSUB answers with, and what it says of each (RFC 9051 section 6.3.9, RFC 5258, RFC 6154).

Names that exist always say whether they have children and what they are for: both may be told unasked. A name that
is only a level above others (its mailbox was deleted) is \\Noselect; one that is only subscribed is \\NonExistent.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pillarbox.model.mailbox import DELIMITER, INBOX, Mailbox, Role
from pillarbox.wire.imap.list_pattern import ListPattern
from pillarbox.wire.imap.nouns import ListReturn, ListSelect

USES: dict[Role, str] = {
    Role.ARCHIVE: "\\Archive",
    Role.DRAFTS: "\\Drafts",
    Role.JUNK: "\\Junk",
    Role.SENT: "\\Sent",
    Role.TRASH: "\\Trash",
    Role.FLAGGED: "\\Flagged",
    Role.ALL: "\\All",
}
"""Special-use attributes (RFC 6154 section 2)."""


class Row(NamedTuple):
    """One response: `childinfo` tells that something subscribed lies below; no `mailbox`: there is only the name."""

    name: str
    attributes: tuple[str, ...]
    childinfo: bool
    mailbox: Mailbox | None


def attributes(mailbox: Mailbox, has_children: bool) -> list[str]:
    """What is said of a name in any case."""
    names = [] if mailbox.selectable else ["\\Noselect"]
    names.append("\\HasChildren" if has_children else "\\HasNoChildren")
    if mailbox.role in USES:
        names.append(USES[mailbox.role])
    return names


def levels_above(name: str) -> list[str]:
    """The names above one, topmost first."""
    levels = name.split(DELIMITER)
    return [DELIMITER.join(levels[:count]) for count in range(1, len(levels))]


def parents_of(names: Iterable[str]) -> set[str]:
    """Every name that has one of `names` below it."""
    return {parent for name in names if DELIMITER in name for parent in levels_above(name)}


def list_rows(
    patterns: Sequence[ListPattern],
    select: frozenset[ListSelect],
    returns: frozenset[ListReturn],
    mailboxes: Sequence[Mailbox],
    subscribed: frozenset[str],
) -> list[Row]:
    """The rows of a LIST, the inbox first, then by name. `subscribed` is needed where it is selected or returned."""
    known = {mailbox.path: mailbox for mailbox in mailboxes}
    chosen = _selected(select, known, subscribed)
    matching = {name for name in chosen if any(pattern.matches(name) for pattern in patterns)}
    below: set[str] = set()
    if ListSelect.RECURSIVEMATCH in select:
        below = parents_of(chosen)
        # A parent that is not itself selected stands for the children that do not match (RFC 5258 section 3.5).
        for name in chosen - matching:
            for pattern in patterns:
                matching.update(pattern.matching_parents(name))
    tell_subscribed = ListSelect.SUBSCRIBED in select or ListReturn.SUBSCRIBED in returns
    parents = parents_of(known)
    rows = []
    for name in sorted(matching, key=lambda name: (name != INBOX, name)):
        mailbox = known.get(name)
        words = attributes(mailbox, name in parents) if mailbox is not None else ["\\NonExistent"]
        if tell_subscribed and name in subscribed:
            words.append("\\Subscribed")
        rows.append(Row(name, tuple(words), ListSelect.SUBSCRIBED in select and name in below, mailbox))
    return rows


def _selected(select: frozenset[ListSelect], known: dict[str, Mailbox], subscribed: frozenset[str]) -> set[str]:
    """The names that the selection options let through; REMOTE changes nothing, since all mailboxes are here."""
    names = set(subscribed) if ListSelect.SUBSCRIBED in select else set(known)
    if ListSelect.SPECIAL_USE in select:
        names = {name for name in names if name in known and known[name].role in USES}
    return names


def lsub_rows(pattern: ListPattern, mailboxes: Sequence[Mailbox], subscribed: Sequence[str]) -> list[Row]:
    """The rows of an LSUB: a level above a subscribed name that matches instead of it is \\Noselect (RFC 3501)."""
    known = {mailbox.path: mailbox for mailbox in mailboxes}
    rows = {}
    for name in subscribed:
        if pattern.matches(name):
            mailbox = known.get(name)
            selectable = mailbox is not None and mailbox.selectable
            rows[name] = Row(name, () if selectable else ("\\Noselect",), False, mailbox)
        else:
            for parent in pattern.matching_parents(name):
                rows.setdefault(parent, Row(parent, ("\\Noselect",), False, None))
    return sorted(rows.values(), key=lambda row: (row.name != INBOX, row.name))
