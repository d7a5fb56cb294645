"""The log of one database on all its volumes: written alike everywhere, each record flushed on every volume in use
before anyone is answered.

Invariants. Every volume in use holds every acknowledged record, at the same offsets. A volume that fails a write or
a flush is out of use at once (a failed flush is never tried again and trusted); the volumes left say so durably, in
`mirror.json`, before the batch goes on. When the last one fails, `stopped` says why and nothing is written any more.
A full disk is no failure: the record is cut off again everywhere and Failure DISK_FULL raised.

Everything here but `states` and `close` is called by the holder of the database's lock.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import NamedTuple, NoReturn

from pillarbox.base.failure import FailureKind
from pillarbox.database.disk import is_full
from pillarbox.database.log.reader import Identity
from pillarbox.database.log.record import Draft, Mark, Record
from pillarbox.database.log.segment import HEADER_SIZE, SegmentHeader, encode_header
from pillarbox.database.log.volume import Membership, Volume
from pillarbox.model.failure import Failure
from pillarbox.model.logged import AlarmKind, LogVolume, VolumeState

Alarming = Callable[[AlarmKind, str], None]


class Tail(NamedTuple):
    """What lies after a mark: `source` holds it whole, `end` is where it ends, `torn` why it was cut, if it was."""

    source: Volume
    end: Mark
    torn: str | None


class Mirror:
    """All log volumes of one database."""

    def __init__(self, volumes: list[Volume], identity: Identity, segment_size: int, alarm: Alarming) -> None:
        self.volumes = volumes
        self.identity = identity
        self.in_use: list[Volume] = []
        self.epoch = 0
        self.stopped: str | None = None
        self._ids: dict[Volume, str] = {}
        self._unreadable: set[Volume] = set()
        self._segment_size = segment_size
        self._alarm = alarm
        self._flushers = ThreadPoolExecutor(len(volumes) - 1, "log-flush") if len(volumes) > 1 else None

    # --- who belongs together -------------------------------------------------------------------------------------

    def reload(self) -> None:
        """Read again which volumes are in use.

        Raises Failure UNAVAILABLE where none can be read.
        """
        found: dict[Volume, Membership] = {}
        errors: list[str] = []
        self._unreadable.clear()
        for volume in self.volumes:
            try:
                membership = volume.membership()
            except OSError as error:
                self._unreadable.add(volume)
                errors.append(f"{volume.root} ({error.strerror or error})")
                continue
            if membership is not None:
                found[volume] = membership
            else:
                errors.append(f"{volume.root} (holds no log of this database)")
        if not found:
            raise Failure(
                FailureKind.UNAVAILABLE,
                f"No log volume can be read: {', '.join(errors)}. Mount it, then start again; if it is lost, "
                "see `pillarbox database new-log`.",
            )
        top = max(membership.epoch for membership in found.values())
        truth = next(membership for membership in found.values() if membership.epoch == top)
        self.epoch = top
        self._ids = {volume: membership.volume for volume, membership in found.items()}
        in_use = [v for v, m in found.items() if m.epoch == top and m.volume in truth.in_use]
        for volume in self.volumes:
            volume.close()  # another process may have put a fresh copy in place of what is open here
        self.in_use = in_use
        if not in_use:
            raise Failure(
                FailureKind.UNAVAILABLE,
                f"No log volume in use can be read: {', '.join(errors) or 'those here missed records'}.",
            )

    def adopt(self, volume: Volume, token: str) -> None:
        """Take a volume into use that is now like the others; `token` names it if it has no name yet."""
        self._ids.setdefault(volume, token)
        self._unreadable.discard(volume)
        self.in_use.append(volume)
        self._announce()

    def drop(self, volume: Volume, reason: str, kind: AlarmKind = AlarmKind.LOG_VOLUME_FAILED) -> None:
        """Go on without a volume. Raises Failure UNAVAILABLE if it was the last."""
        volume.close()
        self.in_use.remove(volume)
        if not self.in_use:
            self.stop(f"Log volume {volume.root} failed ({reason}), and there is no other.")
        self._alarm(kind, f"Log volume {volume.root} is out of use: {reason}. Going on with {self._names()}.")
        self._announce()
        token = self._ids.get(volume)
        if token is not None:
            try:  # as a help only: a disk that failed may not take it
                volume.set_membership(Membership(token, self.epoch, self._tokens()))
            except OSError:
                self._unreadable.add(volume)

    def states(self) -> tuple[LogVolume, ...]:
        """Every configured volume, and how far it can be trusted."""
        return tuple(
            LogVolume(
                str(volume.root),
                VolumeState.IN_USE
                if volume in self.in_use
                else VolumeState.MISSING
                if volume in self._unreadable
                else VolumeState.STALE,
            )
            for volume in self.volumes
        )

    def strangers(self) -> list[Volume]:
        """Configured volumes that can be reached but are not in use."""
        return [v for v in self.volumes if v not in self.in_use and v not in self._unreadable]

    def missing(self) -> list[Volume]:
        """Configured volumes that cannot be reached."""
        return [v for v in self.volumes if v in self._unreadable]

    def forget_absent(self) -> None:
        """Strike volumes that are not here from the list of those in use, so that they are not trusted later."""
        for volume in self.in_use:
            membership = volume.membership()
            if membership is None or set(membership.in_use) != set(self._tokens()):
                self._announce()
                return

    def _announce(self) -> None:
        self.epoch += 1
        for volume in list(self.in_use):
            try:
                volume.set_membership(Membership(self._ids[volume], self.epoch, self._tokens()))
            except OSError as error:
                self.drop(volume, str(error))
                return

    def _tokens(self) -> tuple[str, ...]:
        return tuple(self._ids[volume] for volume in self.in_use)

    def _names(self) -> str:
        return ", ".join(str(volume.root) for volume in self.in_use)

    def stop(self, reason: str) -> NoReturn:
        """Refuse all writes from now on. Raises Failure UNAVAILABLE."""
        self.stopped = reason
        self._alarm(AlarmKind.STOPPED, reason)
        raise Failure(FailureKind.UNAVAILABLE, reason)

    # --- writing --------------------------------------------------------------------------------------------------

    def place(self, draft: Draft, after: Mark) -> Mark:
        """Where `draft` goes: behind `after`, or first in a new segment where that one is full."""
        if after.finish + draft.size > self._segment_size and after.lsn >= after.segment:
            return Mark(draft.lsn, draft.lsn, HEADER_SIZE, HEADER_SIZE + draft.size, draft.crc)
        return Mark(draft.lsn, after.segment, after.finish, after.finish + draft.size, draft.crc)

    def append(self, draft: Draft, after: Mark, mark: Mark, time: int, schema_version: int) -> None:
        """Put `draft` at `mark`, durably, on every volume in use.

        Raises Failure DISK_FULL (nothing is left of it) or UNAVAILABLE (`stopped` is set).
        """
        header = b""
        if mark.segment != after.segment:
            header = encode_header(
                SegmentHeader(
                    uuid=self.identity.uuid,
                    generation=self.identity.generation,
                    first_lsn=mark.segment,
                    created=time,
                    previous=after.crc,
                    schema_version=schema_version,
                    schema_name=self.identity.schema_name,
                )
            )
        self.put(header, draft, after, mark.segment, mark.start)

    def put(self, header: bytes, draft: Draft, after: Mark, segment: int, start: int) -> None:
        """Put `draft` (one record, or octets that are many) at `start` of a segment, durably, on every volume in use;
        with `header`, the segment begins with it. Raises as `append` does."""
        if not self.in_use:
            raise Failure(FailureKind.UNAVAILABLE, "No log volume is in use.")
        generation = self.identity.generation
        if header:
            self._each(after, lambda volume: volume.start_segment(generation, segment, header, after))
        if draft.size:
            self._each(after, lambda volume: volume.write(generation, segment, start, draft))
            self._flush(after, segment)

    def cut(self, mark: Mark) -> None:
        """Take away everything after `mark` everywhere, durably; a volume that cannot is dropped."""
        for volume in list(self.in_use):
            try:
                volume.cut(self.identity.generation, mark)
            except OSError as error:
                self.drop(volume, f"cutting off a record failed: {error}")

    def has_tail(self, mark: Mark) -> bool:
        """Whether a volume in use holds anything after `mark`."""
        for volume in list(self.in_use):
            try:
                if volume.has_tail(self.identity.generation, mark):
                    return True
            except OSError as error:
                self.drop(volume, str(error))
        return False

    def close(self) -> None:
        """Let go of all files."""
        for volume in self.volumes:
            volume.close()
        if self._flushers is not None:
            self._flushers.shutdown()

    def _each(self, after: Mark, action: Callable[[Volume], None]) -> None:
        for volume in list(self.in_use):
            try:
                action(volume)
            except OSError as error:
                self._failed(volume, error, after)

    def _flush(self, after: Mark, segment: int) -> None:
        generation = self.identity.generation
        first, *others = self.in_use
        waiting = []
        if self._flushers is not None:
            waiting = [(v, self._flushers.submit(v.flush, generation, segment)) for v in others]
        errors: list[tuple[Volume, OSError]] = []
        try:
            first.flush(generation, segment)
        except OSError as error:
            errors.append((first, error))
        for volume, outcome in waiting:
            try:
                outcome.result()
            except OSError as error:
                errors.append((volume, error))
        for volume, failure in sorted(errors, key=lambda pair: is_full(pair[1])):
            self._failed(volume, failure, after)

    def _failed(self, volume: Volume, error: OSError, after: Mark) -> None:
        """Nobody was answered yet, so taking the record back is right on a full disk; all else costs the volume."""
        if is_full(error):
            self.cut(after)
            raise Failure(FailureKind.DISK_FULL, f"Log volume {volume.root} is full.", error)
        if self.in_use == [volume]:
            # What the others (later: other processes) find should be the acknowledged log and nothing more.
            with suppress(OSError):  # it is out of use either way
                volume.cut(self.identity.generation, after)
        self.drop(volume, str(error))

    # --- coming back ----------------------------------------------------------------------------------------------

    def settle(self, mark: Mark) -> Tail:
        """Find out what lies after `mark`, and make all volumes in use alike and durable up to its end.

        A record that is on one volume but not on the other was never acknowledged; it is kept. Volumes that are
        damaged, or lack more than that, are dropped. Raises Failure CORRUPT where no volume is whole.
        """
        tails: dict[Volume, tuple[Tail, Record | None]] = {}
        problems: dict[Volume, Exception] = {}
        for volume in self.in_use:
            try:
                tails[volume] = self._read_tail(volume, mark)
            except (OSError, Failure) as error:
                problems[volume] = error
        if not tails:
            first = next(iter(problems.values()))
            if isinstance(first, Failure):
                raise first
            raise Failure(FailureKind.UNAVAILABLE, f"The log cannot be read: {first}.", first) from first
        best, last = max(tails.values(), key=lambda pair: pair[0].end.lsn)
        for volume in list(self.in_use):
            if volume in problems:
                self.drop(volume, str(problems[volume]))
            elif tails[volume][0].end.lsn < best.end.lsn - 1:
                self.drop(volume, f"it ends at record {tails[volume][0].end.lsn}, others at {best.end.lsn}")
        self._level(best, last)
        if best.torn:
            self._alarm(AlarmKind.LOG_CUT, f"Cut off the log's end, which nobody was answered for: {best.torn}.")
        return best

    def _read_tail(self, volume: Volume, mark: Mark) -> tuple[Tail, Record | None]:
        reader = volume.reader(self.identity)
        reader.confirm(mark)
        last = None
        for record in reader.records(mark):
            last = record
        return Tail(volume, reader.end, reader.torn), last

    def _level(self, best: Tail, last: Record | None) -> None:
        """Cut everything off after the end; write the last record again, which may never have been flushed.

        It may have been acknowledged all the same (an old database file): nothing here takes it back.
        """
        generation, segment = self.identity.generation, best.end.segment
        if last is not None:
            header = best.source.read(generation, segment, 0, HEADER_SIZE)
            raw = best.source.read(generation, segment, last.start, last.finish - last.start)
            again = Draft(last.lsn, last.crc, raw, b"")
            for volume in list(self.in_use):
                try:
                    volume.ensure_segment(generation, segment, header)
                    volume.write(generation, segment, last.start, again)
                    volume.flush(generation, segment)
                except OSError as error:
                    if is_full(error):
                        raise Failure(FailureKind.DISK_FULL, f"Log volume {volume.root} is full.", error) from error
                    self.drop(volume, str(error))
        self.cut(best.end)
