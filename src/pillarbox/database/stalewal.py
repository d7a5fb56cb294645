"""Finds a write-ahead file that does not belong to the database file beside it.

SQLite keeps the last commits in `<file>-wal` and trusts it blindly. Put an old copy of the database file in place and
leave the `-wal` there, and SQLite would mix the two into rubbish. Every commit of ours writes the page that holds
`log_position`, so the first transaction in the `-wal` says after which commit it began; a database file that is older
than that is a copy from before, and the `-wal` is to be put away: the transaction log has everything it holds.

The caller holds the database's lock.
"""

import struct
from pathlib import Path

from pillarbox.database.position import POSITION_PAGE, TAG, TAG_LSNS

_WAL_HEADER = struct.Struct(">IIIIIIII")
_FRAME_HEADER = struct.Struct(">IIIIII")
_MAGICS = (0x377F0682, 0x377F0683)


def wal_path(database: Path) -> Path:
    """Where SQLite keeps the write-ahead file of `database`."""
    return database.with_name(database.name + "-wal")


def shm_path(database: Path) -> Path:
    """Where SQLite keeps the index of the write-ahead file."""
    return database.with_name(database.name + "-shm")


def has_stale_wal(database: Path) -> bool:
    """Whether the `-wal` began after a commit that the file `database` does not contain."""
    if not wal_path(database).exists():
        return False
    began_after = _lsn_before_wal(wal_path(database))
    return began_after is not None and _lsn_in_file(database) < began_after


def remove_wal(database: Path) -> None:
    """Put the write-ahead file and its index away."""
    wal_path(database).unlink(missing_ok=True)
    shm_path(database).unlink(missing_ok=True)


def _lsn_before_wal(path: Path) -> int | None:
    with path.open("rb") as file:
        head = file.read(_WAL_HEADER.size)
        if len(head) < _WAL_HEADER.size:
            return None
        magic, _, page_size, _, salt1, salt2, _, _ = _WAL_HEADER.unpack(head)
        if magic not in _MAGICS:
            return None
        before = None
        while len(frame := file.read(_FRAME_HEADER.size)) == _FRAME_HEADER.size:
            page, size_after_commit, frame_salt1, frame_salt2, _, _ = _FRAME_HEADER.unpack(frame)
            content = file.read(page_size)
            if (frame_salt1, frame_salt2) != (salt1, salt2) or len(content) < page_size:
                return None  # no whole transaction: SQLite will ignore it too
            if page == POSITION_PAGE:
                before = _lsns_in_page(content)[1]
            if size_after_commit:
                return before
    return None


def _lsn_in_file(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(100)
        if len(head) < 100:
            return 0
        (page_size,) = struct.unpack_from(">H", head, 16)
        page_size = 65536 if page_size == 1 else page_size
        file.seek((POSITION_PAGE - 1) * page_size)
        return _lsns_in_page(file.read(page_size))[0]


def _lsns_in_page(page: bytes) -> tuple[int, int]:
    """The newest tag's LSN and the one before its transaction; older tags may be left in the page's free space."""
    found = []
    at = page.find(TAG)
    while at >= 0:
        if at + len(TAG) + TAG_LSNS.size <= len(page):
            found.append(TAG_LSNS.unpack_from(page, at + len(TAG)))
        at = page.find(TAG, at + 1)
    if not found:
        return 0, 0
    newest = max(lsn for lsn, _ in found)
    return newest, min(before for lsn, before in found if lsn == newest)
