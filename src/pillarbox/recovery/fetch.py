"""Getting objects from whichever target has them whole.

Targets are asked in order. Damage and absence are noted by name, and the same object is asked of the next target; a
target that cannot be reached is put behind the others, and everything is tried again for a while before giving up.
May be used by many threads. Raises `Failure`: CORRUPT or NOT_FOUND where no target has an object whole (the sentence
says what is wrong with it where), UNAVAILABLE where the one that may have it cannot be reached, NOT_ALLOWED without a
fitting private key.
"""

import time
from collections.abc import Callable, Sequence
from hashlib import sha256

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery.codec import Codec
from pillarbox.recovery.manifest import Piece
from pillarbox.recovery.patience import patiently

_USELESS = (FailureKind.CORRUPT, FailureKind.NOT_FOUND)


class Fetcher:
    """Reads from `targets`. `note` hears of everything that went otherwise than it should, from any thread."""

    def __init__(
        self,
        targets: Sequence[Target],
        codec: Codec,
        note: Callable[[str], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._targets = targets
        self._codec = codec
        self._note = note
        self._pause = pause
        self._out_of_reach: set[int] = set()

    def piece(self, piece: Piece) -> bytes:
        """The plain octets of a piece, which fit its digest."""

        def check(plain: bytes) -> str | None:
            if len(plain) != piece.size:
                return f"it has {len(plain)} octets instead of {piece.size}"
            if sha256(plain).hexdigest() != piece.sha256:
                return "its checksum does not fit"
            return None

        return patiently(lambda: self._from_any(piece.object, check), self._pause)

    def object(self, target: Target, name: str, check: Callable[[bytes], str | None], patient: bool) -> bytes:
        """The plain octets of an object at one target; raises CORRUPT where `check` says what is wrong with them.

        `patient`: there is nobody else to ask.
        """
        if patient:
            return patiently(lambda: self._get(target, name, check), self._pause)
        return self._get(target, name, check)

    def _from_any(self, name: str, check: Callable[[bytes], str | None]) -> bytes:
        problems: list[Failure] = []
        for index in sorted(range(len(self._targets)), key=lambda index: (index in self._out_of_reach, index)):
            target = self._targets[index]
            try:
                plain = self._get(target, name, check)
            except Failure as failure:
                self._heed(index, failure)
                problems.append(failure)
                continue
            if problems:
                self._note(f"{name} was taken from {target.label}: {_sentences(problems)}")
            return plain
        reachable = all(failure.kind in _USELESS for failure in problems)
        damaged = any(failure.kind is FailureKind.CORRUPT for failure in problems)
        useless = FailureKind.CORRUPT if damaged else FailureKind.NOT_FOUND
        raise Failure(useless if reachable else FailureKind.UNAVAILABLE, _sentences(problems) or f"{name}: no target")

    def _heed(self, index: int, failure: Failure) -> None:
        """Raises what no other target can help with."""
        if failure.kind in _USELESS:
            return
        if failure.kind is not FailureKind.UNAVAILABLE:
            raise failure
        if index not in self._out_of_reach:
            self._out_of_reach.add(index)
            self._note(f"{self._targets[index].label} cannot be reached: {failure.public}")

    def _get(self, target: Target, name: str, check: Callable[[bytes], str | None]) -> bytes:
        try:
            plain = self._codec.decode(name, target.get(name))
            wrong = check(plain)
        except Failure as failure:
            if failure.kind is FailureKind.CORRUPT:
                raise Failure(FailureKind.CORRUPT, f"at {target.label}, {failure.public}", failure) from failure
            raise
        if wrong is not None:
            raise Failure(FailureKind.CORRUPT, f"at {target.label}, {name} is damaged: {wrong}")
        return plain


def _sentences(failures: Sequence[Failure]) -> str:
    return "; ".join(failure.public.rstrip(".") for failure in failures)
