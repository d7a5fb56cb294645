"""Where mail for an address goes: aliases and groups walked down to people, level by level.

At each address of ours the first of these that exists decides:

1. the entry (person, alias or group) of the whole address;
2. the entry of what stands before the sub-address separator; the rest is the detail. An alias hands its detail on,
   a group does not, and a detail in the alias's own target wins;
3. the domain's catch-all;
4. for the local part postmaster, which must always work (RFC 5321 section 4.5.1): the entry postmaster@ of the
   first of our domains (by name) that has one, else the enabled person with the lowest account id, of that
   domain before all others.

Every address is visited once, at most DEEPEST levels down, so a walk always ends; each person comes out once, with
the detail of the shortest way. Switched-off people are left out. Where nobody is reached, the answer is the first
that applies of: FOREIGN (only addresses abroad were found), DISABLED, LOOP (a circle, or too deep), UNKNOWN.

An `Expansion` does its work in steps of at most BATCH addresses, so that a group of a whole company does not hold
up the event loop.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from pillarbox.directory import groups
from pillarbox.directory.address import Address, key_of, parse_address, split_detail
from pillarbox.directory.people import COLUMNS, person_of
from pillarbox.directory.refusals import ALIAS, PERSON
from pillarbox.directory.schema import first
from pillarbox.model.directory import Recipient, Resolution, Route
from pillarbox.model.logged import Cursor, Row

DEEPEST = 32
BATCH = 256

_SIZES = (1, 2, 8, 32, 128, 512)
_LOOKUP = (
    f"SELECT n.address, n.kind, a.target, {COLUMNS} FROM name n"
    " LEFT JOIN person p ON p.address = n.address LEFT JOIN alias a ON a.address = n.address WHERE n.address IN ({})"
)
_LOOKUPS = {size: _LOOKUP.format(", ".join("?" * size)) for size in _SIZES}

POSTMASTER = "postmaster"


def lookup(cursor: Cursor, keys: Iterable[str]) -> dict[str, Row]:
    """The entries with these keys: key → (key, kind, an alias's target, a person's columns)."""
    wanted = list(keys)
    found = {}
    for start in range(0, len(wanted), _SIZES[-1]):
        some = wanted[start : start + _SIZES[-1]]
        size = next(size for size in _SIZES if size >= len(some))
        for row in cursor.execute(_LOOKUPS[size], some + [some[-1]] * (size - len(some))):
            found[row[0]] = row
    return found


def postmaster_of(cursor: Cursor, domain: str, domains: Iterable[str]) -> str:
    """Who stands in for a postmaster that `domain` ("" for none in particular) does not have, "" for nobody."""
    entries = lookup(cursor, [f"{POSTMASTER}@{name}" for name in domains])
    if entries:
        return min(entries, key=lambda key: key.partition("@")[2])
    for condition in ("n.domain = ?", "n.domain <> ?"):
        row = first(
            cursor.execute(
                "SELECT p.address FROM person p JOIN name n ON n.address = p.address"
                f" WHERE p.enabled = 1 AND {condition} ORDER BY p.account LIMIT 1",
                (domain,),
            )
        )
        if row is not None:
            return str(row[0])
    return ""


class _Stop(NamedTuple):
    """An address to be visited, and the one that led there ("" at the start)."""

    address: str
    came_from: str
    depth: int
    detail: str


class Expansion:
    """The walk from one address."""

    def __init__(self, written: str, separator: str) -> None:
        """`written` is the address as the sender wrote it. Raises Failure(INVALID) where it is none."""
        parse_address(written)
        self._written = written
        self._separator = separator
        self._waiting = deque([_Stop(written, "", 0, "")])
        self._edges: dict[str, list[str]] = {}
        self._seen: set[str] = set()
        self._recipients: dict[int, Recipient] = {}
        self._foreign: dict[str, str] = {}
        self._disabled = False
        self._too_deep = False

    @property
    def done(self) -> bool:
        return not self._waiting

    def step(self, cursor: Cursor, domains: Mapping[str, str]) -> None:
        """Visits the next addresses. `domains` are ours with their catch-alls."""
        visits: list[tuple[_Stop, Address, str, tuple[str, str] | None]] = []
        keys: dict[str, None] = {}
        while self._waiting and len(visits) < BATCH:
            stop = self._waiting.popleft()
            address = parse_address(stop.address)
            key = address.key
            if not self._is_new(stop, key):
                continue
            if address.domain not in domains:
                self._foreign[key] = address.text
                continue
            parts = split_detail(address.local, self._separator)
            base = (key_of(parts[0], address.domain), parts[1]) if parts else None
            visits.append((stop, address, key, base))
            keys[key] = None
            if base:
                keys[base[0]] = None
        entries = lookup(cursor, keys)
        for stop, address, key, base in visits:
            row = entries.get(key)
            detail = stop.detail
            if row is None and base is not None:
                row = entries.get(base[0])
                detail = base[1] or detail
            if row is not None:
                self._enter(cursor, row, key, stop.depth + 1, detail)
            elif target := domains[address.domain] or self._postmaster(cursor, address, domains):
                self._waiting.append(_Stop(target, key, stop.depth + 1, ""))

    def _is_new(self, stop: _Stop, key: str) -> bool:
        if stop.came_from:
            self._edges.setdefault(stop.came_from, []).append(key)
        if key in self._seen:
            return False
        if stop.depth >= DEEPEST:
            self._too_deep = True
            return False
        self._seen.add(key)
        return True

    def _enter(self, cursor: Cursor, row: Row, key: str, depth: int, detail: str) -> None:
        kind = row[1]
        if kind == PERSON:
            person = person_of(row[3:])
            if person.enabled:
                self._recipients.setdefault(person.account, Recipient(person, self._written, detail))
            else:
                self._disabled = True
        elif kind == ALIAS:
            self._waiting.append(_Stop(row[2], key, depth, detail))
        else:
            self._waiting.extend([_Stop(member, key, depth, "") for member in groups.members_of(cursor, row[0])])

    def _postmaster(self, cursor: Cursor, address: Address, domains: Mapping[str, str]) -> str:
        return postmaster_of(cursor, address.domain, domains) if address.local.lower() == POSTMASTER else ""

    def resolution(self) -> Resolution:
        """What was found; to be asked once `done`."""
        recipients = tuple(self._recipients.values())
        foreign = tuple(sorted(self._foreign.values()))
        if recipients:
            return Resolution(Route.LOCAL, recipients, foreign)
        if foreign:
            return Resolution(Route.FOREIGN, (), foreign if self._edges else ())
        if self._disabled:
            return Resolution(Route.DISABLED)
        return Resolution(Route.LOOP if self._too_deep or self._has_circle() else Route.UNKNOWN)

    def _has_circle(self) -> bool:
        try:
            TopologicalSorter(self._edges).prepare()
        except CycleError:
            return True
        return False
