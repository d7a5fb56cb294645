"""Which SASL mechanisms there are, and how one is started.

`endpoint_binding` is the connection's tls-server-end-point data where SCRAM-SHA-256-PLUS is among the mechanisms
offered on it, and None where it is not (no TLS, or switched off): SCRAM uses it to notice a downgrade.
"""

from pillarbox.base.ids import Ids, SystemIds
from pillarbox.wire.sasl.login import LoginExchange
from pillarbox.wire.sasl.plain import PlainExchange
from pillarbox.wire.sasl.scram import ScramExchange
from pillarbox.wire.sasl.scram_keys import DEFAULT_ITERATIONS
from pillarbox.wire.sasl.steps import Exchange

MECHANISMS = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN")
"""Every mechanism, the best first."""


def offered(mechanisms: tuple[str, ...], private: bool, allowed_in_clear: bool) -> tuple[str, ...]:
    """Those of `mechanisms` that may be used now: none before TLS unless allowed, -PLUS only over TLS."""
    if private:
        return mechanisms
    if not allowed_in_clear:
        return ()
    return tuple(name for name in mechanisms if not name.endswith("-PLUS"))


def start(
    mechanism: str,
    endpoint_binding: bytes | None,
    *,
    disguise_key: bytes,
    iterations: int = DEFAULT_ITERATIONS,
    ids: Ids | None = None,
) -> Exchange:
    """A new exchange; `mechanism` is a name from `MECHANISMS` in capitals. Raises ValueError for any other.

    `disguise_key` is a secret of this site that stays the same over restarts and in all workers, `iterations` what
    its people's keys are made with: unknown names are answered just as known ones.
    """
    if mechanism == "PLAIN":
        return PlainExchange()
    if mechanism == "LOGIN":
        return LoginExchange()
    if mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"):
        plus = mechanism.endswith("-PLUS")
        return ScramExchange(plus, endpoint_binding, disguise_key, iterations, ids or SystemIds())
    raise ValueError(f"no such SASL mechanism: {mechanism}")
