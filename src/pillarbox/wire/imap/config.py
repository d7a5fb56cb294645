"""What a session is told at its start, and the capabilities that follow from it (RFC 9051 section 6.1.1)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pillarbox.wire.imap.state import WAITS, Phase, State, Wait

_ALWAYS = ("IMAP4rev1", "IMAP4rev2")
_ANY_STATE = ("SASL-IR", "ID", "ENABLE", "IDLE")
_SEARCHING = (
    "I18NLEVEL=1", "SORT", "SORT=DISPLAY", "ESORT", "THREAD=ORDEREDSUBJECT", "THREAD=REFERENCES", "THREAD=REFS",
    "PARTIAL", "CONTEXT=SEARCH", "CONTEXT=SORT", "MULTISEARCH", "SEARCH=FUZZY", "INPROGRESS",
)  # fmt: skip
_LOGGED_IN = (
    "NAMESPACE", "UNSELECT", "UIDPLUS", "MOVE", "CHILDREN", "SPECIAL-USE", "LIST-EXTENDED", "LIST-STATUS",
    "STATUS=SIZE", "ESEARCH", "SEARCHRES", "BINARY", "QUOTA", "QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE",
    "CONDSTORE", "QRESYNC", "WITHIN", "OBJECTID", "SAVEDATE", "PREVIEW",
    "CREATE-SPECIAL-USE", "QUOTA=RES-MAILBOX", "MULTIAPPEND", "REPLACE", "UNAUTHENTICATE", "UTF8=ACCEPT",
    *_SEARCHING,
)  # fmt: skip


@dataclass(slots=True, frozen=True)
class ImapConfig:
    """Settings of one connection; sizes in octets.

    `mechanisms`: SASL mechanisms on offer; those ending in -PLUS only under TLS. `plaintext_login`: passwords may
    be sent without TLS. `tls_available`: STARTTLS is offered. `tls_active`: TLS was there before the first octet.
    `max_literals` caps all literals of one command together, `max_literals_before_login` the same before login.
    `literal_minus`: offer LITERAL- (non-synchronising literals up to 4,096) instead of LITERAL+ (RFC 7888).
    `enableable`: what ENABLE may turn on. `extra_capabilities` are advertised after login.
    """

    mechanisms: tuple[str, ...] = ("PLAIN",)
    plaintext_login: bool = False
    tls_available: bool = True
    tls_active: bool = False
    max_line: int = 65_536
    max_literals: int = 1_048_576
    max_literals_before_login: int = 16_384
    append_limit: int = 50 * 1_048_576
    literal_minus: bool = False
    max_errors: int = 10
    enableable: tuple[str, ...] = ("IMAP4rev2", "CONDSTORE", "QRESYNC", "UTF8=ACCEPT")
    extra_capabilities: tuple[str, ...] = ()
    waits: Mapping[State | Phase, Wait] = field(default_factory=lambda: WAITS)

    def acceptable(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of `names` that ENABLE turns on, in our spelling, without doubles."""
        ours = {name.upper(): name for name in self.enableable}
        return tuple(dict.fromkeys(ours[name.upper()] for name in names if name.upper() in ours))


def mechanisms(config: ImapConfig, tls: bool) -> tuple[str, ...]:
    """The SASL mechanisms on offer now."""
    if not (tls or config.plaintext_login):
        return ()
    return tuple(name for name in config.mechanisms if tls or not name.endswith("-PLUS"))


def capabilities(config: ImapConfig, state: State, tls: bool) -> tuple[str, ...]:
    """What CAPABILITY says in this state, with or without TLS."""
    names = [*_ALWAYS, "LITERAL-" if config.literal_minus else "LITERAL+", *_ANY_STATE]
    if state is not State.NOT_AUTHENTICATED:
        return (*names, *_LOGGED_IN, f"APPENDLIMIT={config.append_limit}", *config.extra_capabilities)
    if config.tls_available and not tls:
        names.append("STARTTLS")
    if not (tls or config.plaintext_login):
        names.append("LOGINDISABLED")
    names += (f"AUTH={name}" for name in mechanisms(config, tls))
    return tuple(names)
