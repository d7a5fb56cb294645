"""Who is who and where their mail goes: the nouns and the port of the directory.

Addresses are compared without case, domains as A-labels. An `AccountId` is never given twice.
"""

from enum import Enum
from typing import NamedTuple, Protocol

from pillarbox.model.ids import AccountId


class Person(NamedTuple):
    """Somebody with a mailbox. `address` is the primary one and the login name; `database` names where the mail is."""

    account: AccountId
    address: str
    name: str
    database: str
    enabled: bool
    octet_limit: int
    message_limit: int


class Recipient(NamedTuple):
    """One person an address leads to. `address` is as it was written, `detail` the part behind the "+"."""

    person: Person
    address: str
    detail: str


class Route(Enum):
    """What the directory makes of an address."""

    LOCAL = "local"  # people of ours
    UNKNOWN = "unknown"  # our domain, nobody there
    FOREIGN = "foreign"  # not a domain of ours
    DISABLED = "disabled"  # somebody of ours whose account is switched off
    LOOP = "loop"  # aliases or groups that never end at a person


class Resolution(NamedTuple):
    """Where an address leads: local people (each once), and foreign addresses that aliases or groups contain."""

    route: Route
    recipients: tuple[Recipient, ...] = ()
    foreign: tuple[str, ...] = ()


class ScramKeys(NamedTuple):
    """What the server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3)."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class Directory(Protocol):
    """What servers and the transport ask of the directory. Raises Failure(UNAVAILABLE) when it cannot answer."""

    async def resolve(self, address: str) -> Resolution:
        """Where mail for `address` (local-part@domain, without brackets) goes."""

    async def is_local_domain(self, domain: str) -> bool:
        """Whether `domain` is one of ours."""

    async def verify_password(self, login: str, password: str, client: str) -> Person:
        """The person, where the password is right. `client` is the peer's IP address, for the lock-out policy.

        Raises Failure(LOGIN_FAILED), Failure(LOCKED_OUT) or Failure(DISABLED); takes about as long for an unknown name.
        """

    async def scram_keys(self, login: str, client: str) -> ScramKeys | None:
        """The keys of an enabled person, None where unknown. Raises Failure(LOCKED_OUT)."""

    async def scram_finished(self, login: str, client: str, verified: bool) -> Person:
        """Counts the outcome of a SCRAM exchange; the person where `verified`. Raises as `verify_password` does."""

    async def person(self, login: str) -> Person | None:
        """The person with this primary address or alias, None where there is none."""


class DomainRecord(NamedTuple):
    """A domain of ours. `catch_all` is the address that gets mail for nobody, "" for none."""

    name: str
    catch_all: str


class AliasRecord(NamedTuple):
    """Another address for one address (of a person, group, or foreign)."""

    address: str
    target: str


class GroupRecord(NamedTuple):
    """A distribution list; members are addresses of any kind, other groups among them."""

    address: str
    name: str
    members: tuple[str, ...]


class DirectoryAdmin(Protocol):
    """What the administrator's commands ask of the directory.

    Raises Failure NOT_FOUND, ALREADY_EXISTS, INVALID or LOOP, each with a sentence that says what to do.
    """

    async def add_person(
        self, address: str, password: str, name: str, database: str, octet_limit: int, message_limit: int
    ) -> Person: ...
    async def people(self) -> list[Person]: ...
    async def set_password(self, address: str, password: str) -> None: ...
    async def set_enabled(self, address: str, enabled: bool) -> None: ...
    async def set_limits(self, address: str, octet_limit: int, message_limit: int) -> None: ...
    async def delete_person(self, address: str) -> Person: ...
    async def add_domain(self, name: str, catch_all: str) -> None: ...
    async def set_catch_all(self, name: str, catch_all: str) -> None: ...
    async def domains(self) -> list[DomainRecord]: ...
    async def delete_domain(self, name: str) -> None: ...
    async def add_alias(self, address: str, target: str) -> None: ...
    async def aliases(self) -> list[AliasRecord]: ...
    async def delete_alias(self, address: str) -> None: ...
    async def add_group(self, address: str, name: str) -> None: ...
    async def add_member(self, group: str, member: str) -> None: ...
    async def remove_member(self, group: str, member: str) -> None: ...
    async def groups(self) -> list[GroupRecord]: ...
    async def delete_group(self, address: str) -> None: ...
