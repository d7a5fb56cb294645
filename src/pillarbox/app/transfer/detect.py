"""Which kind of source a path is."""

from pathlib import Path

from pillarbox.app.transfer.eml import EmlSource
from pillarbox.app.transfer.exporter import Format
from pillarbox.app.transfer.letter import Source
from pillarbox.app.transfer.maildir import MaildirSource, is_maildir
from pillarbox.app.transfer.mbox import MboxSource, is_mbox
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure


def source_at(path: Path, kind: Format | None, mailbox: str) -> Source:
    """The source at `path`, its kind found out where it is None; `mailbox` is where it goes, "" for its own names.

    Raises Failure NOT_FOUND or INVALID.
    """
    if not path.exists():
        raise Failure(FailureKind.NOT_FOUND, f"{path} is not there")
    kind = kind or _kind_of(path)
    if kind is Format.MAILDIR:
        return MaildirSource(path, mailbox)
    if kind is Format.MBOX:
        return MboxSource(path, mailbox)
    return EmlSource(path, mailbox)


def _kind_of(path: Path) -> Format:
    if path.is_file():
        if is_mbox(path):
            return Format.MBOX
        if path.suffix.lower() == ".eml":
            return Format.EML
        raise Failure(FailureKind.INVALID, f"{path} is neither an mbox nor an .eml file; say which with --format")
    if is_maildir(path):
        return Format.MAILDIR
    if next(path.rglob("*.[eE][mM][lL]"), None):
        return Format.EML
    if any(entry.is_file() and is_mbox(entry) for entry in path.rglob("*")):
        return Format.MBOX
    raise Failure(
        FailureKind.INVALID, f"{path} holds neither a Maildir nor mbox or .eml files; say which with --format"
    )
