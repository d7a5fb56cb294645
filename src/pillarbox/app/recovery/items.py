"""A person's own way back: mail as it was at a moment, put back into the mailbox, beside it, or into a file.

`then` is the store as it was, brought back from backup and log and only read (`merging.open_copy`); the present one is
that of `parts`. All of it may be repeated and interrupted: nothing is doubled, and a file appears when it is
whole. Raises `Failure` NOT_FOUND for a person or a mailbox that is not there.
"""

import os
from datetime import datetime
from pathlib import Path

from pillarbox.app.build import Parts
from pillarbox.app.recovery.moment import show_moment
from pillarbox.app.transfer import mbox
from pillarbox.app.transfer.letter import Letter
from pillarbox.base.clock import MICROSECONDS
from pillarbox.base.failure import FailureKind
from pillarbox.model.directory import Person
from pillarbox.model.failure import Failure
from pillarbox.model.search import Header
from pillarbox.model.store import MailStore
from pillarbox.recovery.inventory import Lying, tell, what_changed
from pillarbox.recovery.merge import Merged, Progress, Selection, merge, select

RECOVERED = "Recovered"
"""The mailbox beneath which recovered mail is put beside the present one."""


def selection(mailbox: str, message_id: str) -> Selection:
    """What the options ask for; "" for any."""
    criterion = Header("message-id", message_id) if message_id else None
    return Selection(mailbox=mailbox or None, criterion=criterion)


def beside_prefix(moment: int) -> str:
    """Where mail of a moment is put beside the present: `Recovered/2026-11-24 10.42`, in local time."""
    return f"{RECOVERED}/{datetime.fromtimestamp(moment / MICROSECONDS).astimezone():%Y-%m-%d %H.%M}"


async def put_back(
    then: MailStore, parts: Parts, person: Person, wanted: Selection, progress: Progress, prefix: str = ""
) -> Merged:
    """In place, what lies nowhere now comes back where it was (what lies beneath Recovered does not count). With a
    `prefix`, all that is wanted comes beneath that."""
    await _check_there(then, person)
    now = parts.store(person.database)
    await now.open_account(person.account, person.octet_limit, person.message_limit)
    chosen = wanted if prefix else wanted._replace(missing=True, apart_from=RECOVERED)
    return await merge(then, now, person.account, progress, selection=chosen, prefix=prefix)


async def write_mbox(then: MailStore, person: Person, wanted: Selection, file: Path, progress: Progress) -> int:
    """Everything wanted into one mbox file, mailbox after mailbox; how many messages."""
    await _check_there(then, person)
    part = file.with_name(file.name + ".part")
    count = 0
    try:
        with open(part, "wb") as out:
            async for box, messages in select(then, person.account, wanted):
                for known in messages:
                    content = await then.content(box.id, known.uid)
                    if content is None:
                        continue
                    data = b"".join(content.pieces())
                    letter = Letter(data, known.flags, frozenset(known.keywords.split()), known.received_at)
                    out.write(mbox.write(letter, ""))
                    count += 1
                    progress(1, len(data))
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Failure(FailureKind.NOT_ALLOWED, f"{file} cannot be written: {error.strerror}", error) from error
    return count


async def changes(then: MailStore, parts: Parts, person: Person) -> list[dict[str, object]]:
    """How a person's mail differs from what it was: one row for each message that is gone, moved or flagged anew."""
    now = parts.store(person.database)
    changed = await what_changed(then, now, person.account, RECOVERED)
    rows = [
        _row("mailbox-gone", path, "", "", 0, "") for path in changed.mailboxes_gone
    ]  # fmt: skip
    found: list[tuple[str, Lying, str]] = [("gone", lying, "") for lying in changed.gone]
    found += [("moved", pair.then, f"to {pair.now.mailbox}") for pair in changed.moved]
    found += [("flags", pair.then, "") for pair in changed.flags]
    told = await tell(then, person.account, [lying for _, lying, _ in found])
    for (what, lying, detail), words in zip(found, told, strict=True):
        rows.append(_row(what, lying.mailbox, words.subject, words.sender, lying.message.received_at, detail)
                    | {"message_id": words.message_id})  # fmt: skip
    return rows


def _row(what: str, mailbox: str, subject: str, sender: str, received_at: int, detail: str) -> dict[str, object]:
    return {
        "what": what,
        "mailbox": mailbox,
        "received": show_moment(received_at) if received_at else "",
        "from": sender,
        "subject": subject,
        "message_id": "",
        "detail": detail,
    }


async def _check_there(then: MailStore, person: Person) -> None:
    if not await then.mailboxes(person.account):
        raise Failure(FailureKind.NOT_FOUND, f"{person.address} had no mailbox at that moment")
