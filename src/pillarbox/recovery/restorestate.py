"""How far a restore has come, in a file beside what is restored: so that one broken off goes on where it was.

What the file says is done is durable on the disk; the other way round, what is done may not be said yet. It belongs to
one backup of one database, to be brought back up to one moment: for anything else it counts as empty. A replay does not
write durably while it runs, so after a crash of the machine in that phase all is begun anew; `boot` tells.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pillarbox.model.recovery import Until
from pillarbox.recovery.jsonfile import read_whole, write_whole
from pillarbox.recovery.plan import RestorePlan

COPYING, LOG, PLAYING, CHECKING, DONE = "copying", "log", "playing", "checking", "done"

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(slots=True)
class RestoreState:
    """`pieces` has a bit for each piece of the copy that is there; `segments` how many octets of each segment's file
    are. `begun`: nothing of it is from before."""

    path: Path
    key: dict[str, Any]
    boot: str
    phase: str = COPYING
    pieces: int = 0
    segments: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    played: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path, plan: RestorePlan, boot: str) -> "RestoreState":
        """What the file says of this very restore, or nothing."""
        state = cls(path, _key(plan), boot)
        row = read_whole(path)
        try:
            if row["key"] == state.key and (row["boot"] == boot or row["phase"] != PLAYING):
                state.phase = str(row["phase"])
                state.pieces = int(row["pieces"], 16)
                state.segments = {str(name): int(size) for name, size in row["segments"].items()}
                state.seconds = {str(name): float(seconds) for name, seconds in row["seconds"].items()}
                state.played = {str(name): int(number) for name, number in row["played"].items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            return cls(path, _key(plan), boot)
        return state

    @property
    def begun(self) -> bool:
        """Whether anything is there from before."""
        return self.phase != COPYING or self.pieces > 0

    def save(self) -> None:
        write_whole(
            self.path,
            {
                "key": self.key,
                "boot": self.boot,
                "phase": self.phase,
                "pieces": f"{self.pieces:x}",
                "segments": self.segments,
                "seconds": self.seconds,
                "played": self.played,
            },
        )


def resumable_set(path: Path, database: str, until: Until) -> str:
    """The backup that an unfinished restore of this database to this moment was made from; empty: there is none."""
    key = read_whole(path).get("key")
    if isinstance(key, dict) and key.get("database") == database and key.get("until") == list(until):
        return str(key.get("set", ""))
    return ""


def boot_id() -> str:
    """Another one after each start of the machine; empty where the system does not tell."""
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _key(plan: RestorePlan) -> dict[str, Any]:
    choice, copy = plan.choice, plan.copy
    return {
        "database": copy.name,
        "uuid": copy.uuid,
        "set": plan.set,
        "until": list(choice.until),
        "generation": choice.generation,
        "size": copy.size,
    }
