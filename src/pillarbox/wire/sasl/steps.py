"""What a SASL exchange answers after each message of the client, and the exchange itself.

A server starts an `Exchange` (see `mechanisms.start`) and gives it each decoded message. `step(None)` means that the
client has sent nothing yet (no initial response); `step(b"")` is an empty message. Every step is one of these values:

- `Challenge`: send `data`, then call `step` with the answer.
- `CheckPassword`: check the password; the exchange is over and the caller decides.
- `NeedKeys`: fetch the keys of `authcid`, then call `keys` (None for an unknown person, who is not revealed).
- `Verified`: the client has proved itself. `final` (not empty for SCRAM) goes to the client with the success, or
  as one more challenge that is answered with an empty message, in protocols whose success carries no data.
- `Rejected`: the proof is wrong or not allowed here. `Malformed`: the client broke the mechanism's grammar.

Once an exchange has answered anything but `Challenge` or `NeedKeys` it is over; further steps are `Malformed`.
`authzid` is "" where the client asked for no other identity than its own. Nothing here raises.
"""

from typing import NamedTuple

from pillarbox.wire.sasl.scram_keys import ScramKeys


class Challenge(NamedTuple):
    """Send this to the client."""

    data: bytes


class CheckPassword(NamedTuple):
    """The client says it is `authcid` and this is the password, both prepared with SASLprep."""

    authzid: str
    authcid: str
    password: str


class NeedKeys(NamedTuple):
    """The exchange goes on with `Exchange.keys`."""

    authcid: str


class Verified(NamedTuple):
    """The client is `authcid`; `final` proves the server to the client."""

    authzid: str
    authcid: str
    final: bytes


class Rejected(NamedTuple):
    """No; `reason` is for the log, never for the client. `authcid` is "" where no name came that far."""

    reason: str
    authcid: str = ""


class Malformed(NamedTuple):
    """The client's message makes no sense; `reason` may be shown."""

    reason: str


Step = Challenge | CheckPassword | NeedKeys | Verified | Rejected | Malformed


class Exchange:
    """One authentication under way; mechanisms override `step`, and `keys` where they ask for them."""

    __slots__ = ()

    def step(self, response: bytes | None) -> Step:
        """What to do after the client's message; None where it has not sent one yet."""
        return Malformed("no message is expected")

    def keys(self, keys: ScramKeys | None) -> Step:
        """Goes on after `NeedKeys`; None where nobody has that name."""
        return Malformed("no keys were asked for")
