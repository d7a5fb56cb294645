"""The pieces of a backup are fetched by several threads and written to their places in the file.

Each thread holds one piece at a time. Now and then what was written is made durable, and the state file says so, while
the others go on. Raises `Failure` as `fetch.py` does, DISK_FULL or UNAVAILABLE for the file itself; what was done up to
then is remembered.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.recovery.fetch import Fetcher
from pillarbox.recovery.files import opened, translated, write_at
from pillarbox.recovery.manifest import Piece
from pillarbox.recovery.restorestate import RestoreState

_SETTLED = 256 << 20
"""Octets written between two times of making them durable."""


def copy_pieces(
    pieces: tuple[Piece, ...],
    fetcher: Fetcher,
    path: Path,
    state: RestoreState,
    threads: int,
    progress: Callable[[int], None],
) -> int:
    """Write all pieces that are not there yet, durably; how many octets those had.

    `progress` is given the octets that are there so far, by the calling thread.
    """
    size = sum(piece.size for piece in pieces)
    there = sum(piece.size for index, piece in enumerate(pieces) if state.pieces >> index & 1)
    with opened(path, size) as file, _pool(threads + 1) as pool:
        _check_room(path, size - there)
        return _Copying(pieces, fetcher, file, state, progress, there).run(pool, threads)


class _Copying:
    def __init__(
        self,
        pieces: tuple[Piece, ...],
        fetcher: Fetcher,
        file: int,
        state: RestoreState,
        progress: Callable[[int], None],
        there: int,
    ) -> None:
        self._pieces = pieces
        self._fetcher = fetcher
        self._file = file
        self._state = state
        self._progress = progress
        self._there = there
        self._written = 0  # as `RestoreState.pieces`, and not durable yet
        self._unsettled = 0

    def run(self, pool: ThreadPoolExecutor, threads: int) -> int:
        before = self._there
        missing = (index for index in range(len(self._pieces)) if not self._state.pieces >> index & 1)
        running: set[Future[int]] = set()
        settling: Future[int] | None = None
        try:
            self._submit(pool, missing, running, threads * 2)
            while running:
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    running.discard(future)
                    self._note(future.result())
                self._submit(pool, missing, running, threads * 2)
                if settling is not None and settling.done():
                    self._settled(settling)
                    settling = None
                if settling is None and self._unsettled >= _SETTLED:
                    self._unsettled = 0
                    settling = pool.submit(self._settle, self._written)
        finally:
            pool.shutdown(cancel_futures=True)
            self._settled(None)
        return self._there - before

    def _submit(self, pool: ThreadPoolExecutor, missing: Iterator[int], running: set[Future[int]], most: int) -> None:
        while len(running) < most and (index := next(missing, None)) is not None:
            running.add(pool.submit(self._bring, index))

    def _bring(self, index: int) -> int:
        piece = self._pieces[index]
        plain = self._fetcher.piece(piece)
        with translated("the copy cannot be written"):
            write_at(self._file, plain, piece.offset)
        return index

    def _note(self, index: int) -> None:
        self._written |= 1 << index
        self._unsettled += self._pieces[index].size
        self._there += self._pieces[index].size
        self._progress(self._there)

    def _settle(self, written: int) -> int:
        with translated("the copy cannot be made durable"):
            os.fdatasync(self._file)
        return written

    def _settled(self, settling: Future[int] | None) -> None:
        """Say what is durable; None: make it so first."""
        written = settling.result() if settling is not None else self._settle(self._written)
        self._state.pieces |= written
        self._state.save()


@contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(threads, "restore")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _check_room(path: Path, wanted: int) -> None:
    with translated(f"{path.parent} cannot be used"):
        room = os.statvfs(path.parent)
    free = room.f_bavail * room.f_frsize
    if free < wanted:
        raise Failure(
            FailureKind.DISK_FULL, f"{path.parent} has {free >> 20} MiB free; {wanted >> 20} MiB more are needed."
        )
