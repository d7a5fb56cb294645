"""The one exception that parts of Pillarbox raise at each other.

Whatever else escapes a part is our own bug: it is logged with the session id and answered generically.
"""

from pillarbox.base.failure import TEMPORARY, FailureKind


class Failure(Exception):
    """Something could not be done.

    `kind` decides the code each protocol answers with; `public` is one clear sentence that may be shown to
    the peer; `cause` is for the log only.
    """

    def __init__(self, kind: FailureKind, public: str, cause: BaseException | None = None) -> None:
        super().__init__(public)
        self.kind = kind
        self.public = public
        self.cause = cause

    @property
    def temporary(self) -> bool:
        """Whether trying again later may succeed."""
        return self.kind in TEMPORARY

    def __repr__(self) -> str:
        return f"Failure({self.kind.value}: {self.public})"
