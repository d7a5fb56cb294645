"""The sentences with which the directory refuses what an administrator asks, each saying what to do instead."""

from collections.abc import Sequence

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

PERSON, ALIAS, GROUP = "person", "alias", "group"
"""What an address of ours can be; also the words stored with it."""

_A_KIND = {PERSON: "a person", ALIAS: "an alias", GROUP: "a group"}
_LIST_COMMAND = {PERSON: "pillarbox user list", ALIAS: "pillarbox alias list", GROUP: "pillarbox group list"}


def foreign_domain(domain: str) -> Failure:
    return Failure(
        FailureKind.INVALID, f"{domain} is not a domain of this server; add it first: pillarbox domain add {domain}"
    )


def no_domain(domain: str) -> Failure:
    return Failure(FailureKind.NOT_FOUND, f"{domain} is not a domain of this server; see: pillarbox domain list")


def taken(address: str, kind: str) -> Failure:
    return Failure(FailureKind.ALREADY_EXISTS, f"{address} is already {_A_KIND[kind]}; choose another address")


def domain_exists(domain: str) -> Failure:
    return Failure(FailureKind.ALREADY_EXISTS, f"{domain} is already a domain of this server")


def missing(address: str, wanted: str, found: str | None) -> Failure:
    """There is no `wanted` at `address`, but perhaps something else, `found`."""
    if found is not None:
        return Failure(FailureKind.NOT_FOUND, f"{address} is {_A_KIND[found]}, not {_A_KIND[wanted]}")
    return Failure(FailureKind.NOT_FOUND, f"There is no {wanted} {address}; see: {_LIST_COMMAND[wanted]}")


def nobody(address: str) -> Failure:
    return Failure(
        FailureKind.NOT_FOUND, f"There is nobody at {address}; add the person, group or alias first: pillarbox user add"
    )


def not_a_member(group: str, member: str) -> Failure:
    return Failure(FailureKind.NOT_FOUND, f"{member} is not a member of {group}; see: pillarbox group list")


def already_a_member(group: str, member: str) -> Failure:
    return Failure(FailureKind.ALREADY_EXISTS, f"{member} is already a member of {group}")


def leads_back(address: str, target: str) -> Failure:
    return Failure(FailureKind.LOOP, f"{target} leads back to {address}: mail would go in circles")


def still_wanted(address: str, aliases: Sequence[str], domains: Sequence[str]) -> Failure:
    """Aliases or catch-alls still lead to what is to be deleted."""
    reasons = []
    if aliases:
        reasons.append(f"the aliases {_listed(aliases)} lead to it (pillarbox alias delete)")
    if domains:
        reasons.append(f"it is the catch-all of {_listed(domains)} (pillarbox domain catch-all)")
    return Failure(FailureKind.INVALID, f"{address} cannot be deleted: {' and '.join(reasons)}")


def domain_in_use(domain: str, addresses: Sequence[str]) -> Failure:
    return Failure(
        FailureKind.INVALID, f"{domain} cannot be deleted: it still has {_listed(addresses)}; delete those first"
    )


def bad_password(reason: str) -> Failure:
    return Failure(FailureKind.INVALID, f"This password cannot be used: {reason}")


def bad_limit() -> Failure:
    return Failure(FailureKind.INVALID, "A quota is a number of octets or messages, 0 for none; it cannot be negative")


def _listed(names: Sequence[str]) -> str:
    if len(names) <= 3:
        return ", ".join(names)
    return f"{', '.join(names[:3])} and {len(names) - 3} more"
