"""Which role a site has, as it was decided last."""

from pillarbox.app.site import Site
from pillarbox.base.clock import MICROSECONDS, SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.jsonfile import read_whole, write_durably
from pillarbox.recovery.standby.role import FileLease, Lease, Role, Standing

_RECENTLY = 300 * MICROSECONDS


def lease_of(site: Site) -> Lease:
    """Who decides on the role of this site."""
    return FileLease(site.state / "role.json")


def standing_of(site: Site) -> Standing:
    """The role that was decided; where none was, a site that names an active server is a standby."""
    standing = lease_of(site).standing()
    if standing is None:
        role = Role.STANDBY if site.settings.standby.server else Role.ACTIVE
        standing = Standing(role, 0, "by its settings", {})
    return standing


def refuse_standby(site: Site) -> None:
    """Raises Failure NOT_ALLOWED where the site is a standby: nobody but the other server writes its databases."""
    standing = standing_of(site)
    if standing.role is Role.STANDBY:
        raise Failure(
            FailureKind.NOT_ALLOWED,
            f"{site.path} is a standby ({standing.reason}): `pillarbox standby` follows the active server, "
            "`pillarbox promote` makes this one active",
        )


def settle_role(site: Site) -> None:
    """Writes down that this site is active, so that naming a peer in its settings later changes nothing."""
    settings, lease = site.settings.standby, lease_of(site)
    if settings.listen and lease.standing() is None and not settings.server:
        lease.take(Standing(Role.ACTIVE, SystemClock().now(), "served first", {}))


def just_promoted(site: Site) -> bool:
    """Whether this site took over within the last minutes: its peer need not be asked then, and may well be dead."""
    standing = standing_of(site)
    return standing.reason == "promoted" and SystemClock().now() - standing.since < _RECENTLY


def followed(site: Site) -> dict[str, str]:
    """The identities of the databases that the active server had, by name: only these may be taken over with."""
    return {str(name): str(uuid) for name, uuid in read_whole(site.state / "followed.json").items()}


def note_followed(site: Site, uuids: dict[str, str]) -> None:
    """Remember them, durably."""
    if followed(site) != uuids:
        write_durably(site.state / "followed.json", dict(uuids))
