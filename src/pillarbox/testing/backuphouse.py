"""What tests of backups share: a database of a few pieces, targets, an order, and a wait that takes no time."""

from collections.abc import Sequence
from pathlib import Path

from pillarbox.base.ids import SeededIds
from pillarbox.model.recovery import LiveDatabase
from pillarbox.recovery.backup import Order
from pillarbox.recovery.catalog import Catalog
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.manifest import PIECE, Manifest
from pillarbox.recovery.names import Kind
from pillarbox.testing.filedatabase import FileDatabase
from pillarbox.testing.targets import FaultyTarget, MemoryTarget

PLAIN = Codec(0, [])
PACKED = Codec(1, [])
SITE = b"the settings"


def database(path: Path, pieces: int = 4, name: str = "mailboxes", uuid: str = "0123456789abcdef" * 2) -> FileDatabase:
    """A database of so many pieces, the last one short."""
    chance = SeededIds()
    path.write_bytes(b"".join(chance.secret(1024) * (PIECE // 1024) for _ in range(pieces - 1)) + chance.secret(1000))
    return FileDatabase(path, name, uuid)


def order(databases: Sequence[LiveDatabase], state: Path, kind: Kind = Kind.FULL, codec: Codec = PLAIN) -> Order:
    state.mkdir(exist_ok=True)
    return Order(databases, SITE, kind, codec, "mail.example.test", "pillarbox 0.1.0", state)


def no_wait(seconds: float) -> None:
    """Instead of a pause before another attempt."""


def only_set(target: MemoryTarget | FaultyTarget) -> Manifest:
    (found,) = Catalog(target).sets()
    return found


def restored(
    target: MemoryTarget | FaultyTarget, manifest: Manifest, name: str = "mailboxes", codec: Codec = PLAIN
) -> bytes:
    """The database file that a set gives back."""
    copy = manifest.database(name)
    assert copy is not None
    return b"".join(codec.decode(piece.object, target.get(piece.object)) for piece in copy.pieces)
