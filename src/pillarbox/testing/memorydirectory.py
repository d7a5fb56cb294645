"""A directory in plain dictionaries: for tests of whatever needs a directory, and the model the real one is held to.

Obeys the contracts of `Directory` and `DirectoryAdmin` and the rules of `directory/resolve.py`, written for being
read rather than for speed. Passwords are kept as they are. One process, nothing on disk.
"""

from dataclasses import dataclass, field

from pillarbox.base.clock import Clock, FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.base.ids import Ids, SeededIds
from pillarbox.base.saslprep import saslprep
from pillarbox.base.settings import Login
from pillarbox.directory import refusals
from pillarbox.directory.address import Address, key_of, parse_address, parse_domain, split_detail
from pillarbox.directory.lockout import Lockout
from pillarbox.directory.refusals import ALIAS, GROUP, PERSON
from pillarbox.directory.scram import FEWEST_ITERATIONS, derive_keys
from pillarbox.model.directory import (
    AliasRecord,
    DomainRecord,
    GroupRecord,
    Person,
    Recipient,
    Resolution,
    Route,
    ScramKeys,
)
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId

DEEPEST = 32


@dataclass
class _Someone:
    person: Person
    password: str
    keys: ScramKeys | None = None


@dataclass
class _List:
    name: str
    members: dict[str, str] = field(default_factory=dict)  # key: as written


@dataclass
class _Found:
    """What a walk through aliases and groups has met so far."""

    recipients: dict[int, Recipient] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    disabled: bool = False
    loop: bool = False


class MemoryDirectory:
    """`Directory` and `DirectoryAdmin` in memory."""

    def __init__(
        self, login: Login | None = None, separator: str = "+", clock: Clock | None = None, ids: Ids | None = None
    ) -> None:
        login = login or Login()
        self._separator = separator
        self._ids = ids or SeededIds()
        self._lockout = Lockout(login.failures_before_lockout, login.lockout_seconds, clock or FixedClock())
        self._last_account = 0
        self.catch_alls: dict[str, str] = {}  # domain: address or ""
        self.persons: dict[str, _Someone] = {}
        self.alias_targets: dict[str, str] = {}
        self.lists: dict[str, _List] = {}

    # Directory

    async def resolve(self, address: str) -> Resolution:
        if address.lower() == "postmaster":
            target = self._postmaster("")
            return await self.resolve(target) if target else Resolution(Route.UNKNOWN)
        try:
            parsed = parse_address(address)
        except Failure:
            return Resolution(Route.UNKNOWN)
        if parsed.domain not in self.catch_alls:
            return Resolution(Route.FOREIGN)
        found = _Found()
        self._walk(address, parsed, found, ())
        recipients = tuple(sorted(found.recipients.values(), key=lambda recipient: recipient.person.account))
        foreign = tuple(sorted(found.foreign.values()))
        if recipients:
            return Resolution(Route.LOCAL, recipients, foreign)
        if foreign:
            return Resolution(Route.FOREIGN, (), foreign)
        if found.disabled:
            return Resolution(Route.DISABLED)
        return Resolution(Route.LOOP if found.loop else Route.UNKNOWN)

    def _walk(self, written: str, address: Address, found: _Found, path: tuple[str, ...], detail: str = "") -> None:
        key = address.key
        if key in path or len(path) >= DEEPEST:
            found.loop = True
            return
        if key in found.seen:
            return
        found.seen.add(key)
        path = (*path, key)
        if address.domain not in self.catch_alls:
            found.foreign.setdefault(key, address.text)
            return
        name, own_detail = self._entry(address)
        detail = own_detail or detail
        if name in self.persons:
            person = self.persons[name].person
            if person.enabled:
                found.recipients.setdefault(person.account, Recipient(person, written, detail))
            found.disabled |= not person.enabled
        elif name in self.alias_targets:
            self._walk(written, parse_address(self.alias_targets[name]), found, path, detail)
        elif name in self.lists:
            for member in self.lists[name].members.values():
                self._walk(written, parse_address(member), found, path)
        elif target := self.catch_alls[address.domain] or self._postmaster(address.domain, address.local):
            self._walk(written, parse_address(target), found, path)

    def _entry(self, address: Address) -> tuple[str, str]:
        """The key of the entry that an address means, whether it exists or not, and the detail."""
        if self._kind(address.key) is None and (parts := split_detail(address.local, self._separator)):
            return key_of(parts[0], address.domain), parts[1]
        return address.key, ""

    def _kind(self, key: str) -> str | None:
        if key in self.persons:
            return PERSON
        if key in self.alias_targets:
            return ALIAS
        return GROUP if key in self.lists else None

    def _postmaster(self, domain: str, local: str = "postmaster") -> str:
        if local.lower() != "postmaster":
            return ""
        for other in sorted(self.catch_alls):
            if self._kind(f"postmaster@{other}"):
                return f"postmaster@{other}"
        people = sorted(
            (someone.person for someone in self.persons.values() if someone.person.enabled),
            key=lambda person: (not person.address.endswith(f"@{domain}"), person.account),
        )
        return people[0].address if people else ""

    async def is_local_domain(self, domain: str) -> bool:
        try:
            return parse_domain(domain) in self.catch_alls
        except Failure:
            return False

    async def verify_password(self, login: str, password: str, client: str) -> Person:
        someone = self._login(login)
        name = someone.person.address if someone else login
        self._lockout.check(name, client)
        verified = someone is not None and saslprep(password) == someone.password
        return self._outcome(someone, name, client, verified)

    async def scram_keys(self, login: str, client: str) -> ScramKeys | None:
        someone = self._login(login)
        self._lockout.check(someone.person.address if someone else login, client)
        if someone is None or not someone.person.enabled:
            return None
        if someone.keys is None:
            someone.keys = derive_keys(someone.password, self._ids.secret(16), FEWEST_ITERATIONS)
        return someone.keys

    async def scram_finished(self, login: str, client: str, verified: bool) -> Person:
        someone = self._login(login)
        name = someone.person.address if someone else login
        self._lockout.check(name, client)
        return self._outcome(someone, name, client, verified)

    def _outcome(self, someone: _Someone | None, name: str, client: str, verified: bool) -> Person:
        if someone is None or not verified:
            self._lockout.failed(name, client)
            raise Failure(FailureKind.LOGIN_FAILED, "Wrong name or password")
        self._lockout.succeeded(name, client)
        if not someone.person.enabled:
            raise Failure(FailureKind.DISABLED, "This account is switched off")
        return someone.person

    async def person(self, login: str) -> Person | None:
        someone = self._login(login)
        return someone.person if someone else None

    def _login(self, login: str) -> _Someone | None:
        try:
            key = parse_address(login).key
            for _ in range(DEEPEST):
                if key not in self.alias_targets:
                    break
                key = parse_address(self.alias_targets[key]).key
        except Failure:
            return None
        return self.persons.get(key)

    # DirectoryAdmin: people

    async def add_person(
        self, address: str, password: str, name: str, database: str, octet_limit: int, message_limit: int
    ) -> Person:
        if octet_limit < 0 or message_limit < 0:
            raise refusals.bad_limit()
        prepared = self._prepared(password)
        key = self._free(address)
        self._last_account += 1
        person = Person(AccountId(self._last_account), key, name, database, True, octet_limit, message_limit)
        self.persons[key] = _Someone(person, prepared)
        return person

    async def people(self) -> list[Person]:
        return [self.persons[key].person for key in sorted(self.persons)]

    async def set_password(self, address: str, password: str) -> None:
        prepared = self._prepared(password)
        someone = self._someone(address)
        someone.password, someone.keys = prepared, None

    async def set_enabled(self, address: str, enabled: bool) -> None:
        someone = self._someone(address)
        someone.person = someone.person._replace(enabled=enabled)

    async def set_limits(self, address: str, octet_limit: int, message_limit: int) -> None:
        if octet_limit < 0 or message_limit < 0:
            raise refusals.bad_limit()
        someone = self._someone(address)
        someone.person = someone.person._replace(octet_limit=octet_limit, message_limit=message_limit)

    async def delete_person(self, address: str) -> Person:
        key = self._existing(address, PERSON)
        self._forget(key)
        return self.persons.pop(key).person

    # DirectoryAdmin: domains

    async def add_domain(self, name: str, catch_all: str) -> None:
        domain = parse_domain(name)
        if domain.startswith("["):
            raise Failure(FailureKind.INVALID, f"{domain} is an address literal, not a domain")
        if domain in self.catch_alls:
            raise refusals.domain_exists(domain)
        self.catch_alls[domain] = self._target(catch_all, domain) if catch_all else ""

    async def set_catch_all(self, name: str, catch_all: str) -> None:
        domain = self._domain(name)
        self.catch_alls[domain] = self._target(catch_all) if catch_all else ""

    async def domains(self) -> list[DomainRecord]:
        return [DomainRecord(name, self.catch_alls[name]) for name in sorted(self.catch_alls)]

    async def delete_domain(self, name: str) -> None:
        domain = self._domain(name)
        keys = sorted(key for key in (*self.persons, *self.alias_targets, *self.lists) if key.endswith(f"@{domain}"))
        if keys:
            raise refusals.domain_in_use(domain, keys)
        del self.catch_alls[domain]

    # DirectoryAdmin: aliases and groups

    async def add_alias(self, address: str, target: str) -> None:
        key = self._free(address)
        self.alias_targets[key] = target
        try:
            text = self._target(target)
            if self._leads_to(parse_address(text), key, set()):
                raise refusals.leads_back(key, target)
        except Failure:
            del self.alias_targets[key]
            raise
        self.alias_targets[key] = text

    async def aliases(self) -> list[AliasRecord]:
        return [AliasRecord(key, self.alias_targets[key]) for key in sorted(self.alias_targets)]

    async def delete_alias(self, address: str) -> None:
        key = self._existing(address, ALIAS)
        self._forget(key)
        del self.alias_targets[key]

    async def add_group(self, address: str, name: str) -> None:
        self.lists[self._free(address)] = _List(name)

    async def add_member(self, group: str, member: str) -> None:
        key = self._existing(group, GROUP)
        text = self._target(member)
        if self._leads_to(parse_address(text), key, set()):
            raise refusals.leads_back(key, text)
        if parse_address(text).key in self.lists[key].members:
            raise refusals.already_a_member(key, text)
        self.lists[key].members[parse_address(text).key] = text

    async def remove_member(self, group: str, member: str) -> None:
        key = self._existing(group, GROUP)
        if self.lists[key].members.pop(parse_address(member).key, None) is None:
            raise refusals.not_a_member(key, member)

    async def groups(self) -> list[GroupRecord]:
        return [
            GroupRecord(key, self.lists[key].name, tuple(sorted(self.lists[key].members.values())))
            for key in sorted(self.lists)
        ]

    async def delete_group(self, address: str) -> None:
        key = self._existing(address, GROUP)
        self._forget(key)
        del self.lists[key]

    # What the methods above share

    def _prepared(self, password: str) -> str:
        prepared = saslprep(password)
        if prepared is None:
            raise refusals.bad_password("it has a character that no password may have (RFC 4013)")
        if not prepared:
            raise refusals.bad_password("it is empty")
        return prepared

    def _domain(self, name: str) -> str:
        domain = parse_domain(name)
        if domain not in self.catch_alls:
            raise refusals.no_domain(domain)
        return domain

    def _free(self, address: str) -> str:
        parsed = parse_address(address)
        if parsed.domain not in self.catch_alls:
            raise refusals.foreign_domain(parsed.domain)
        if kind := self._kind(parsed.key):
            raise refusals.taken(parsed.key, kind)
        return parsed.key

    def _existing(self, address: str, wanted: str) -> str:
        key = parse_address(address).key
        if (found := self._kind(key)) != wanted:
            raise refusals.missing(key, wanted, found)
        return key

    def _someone(self, address: str) -> _Someone:
        return self.persons[self._existing(address, PERSON)]

    def _target(self, address: str, new_domain: str = "") -> str:
        """Where an alias, membership or catch-all may lead: abroad, or to something that exists."""
        parsed = parse_address(address)
        local = parsed.domain in self.catch_alls or parsed.domain == new_domain
        if local and self._kind(self._entry(parsed)[0]) is None:
            raise refusals.nobody(parsed.key)
        return parsed.text

    def _leads_to(self, address: Address, goal: str, seen: set[str]) -> bool:
        key = self._entry(address)[0]
        if key == goal or key in seen:
            return key == goal
        seen.add(key)
        targets = [self.alias_targets[key]] if key in self.alias_targets else []
        if key in self.lists:
            targets += self.lists[key].members.values()
        return any(self._leads_to(parse_address(target), goal, seen) for target in targets)

    def _forget(self, key: str) -> None:
        """Ends the memberships of what is to be deleted. Raises INVALID where aliases or catch-alls lead to it."""
        aliases = sorted(a for a, target in self.alias_targets.items() if self._means(target, key))
        domains = sorted(d for d, target in self.catch_alls.items() if target and self._means(target, key))
        if aliases or domains:
            raise refusals.still_wanted(key, aliases, domains)
        for group in self.lists.values():
            group.members = {k: m for k, m in group.members.items() if not self._means(m, key)}

    def _means(self, target: str, key: str) -> bool:
        return self._entry(parse_address(target))[0] == key
