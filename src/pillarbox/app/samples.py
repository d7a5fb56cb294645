"""Sample mail for the demo: a few letters of different kinds."""

from typing import NamedTuple

from pillarbox.base.clock import MICROSECONDS
from pillarbox.mime.compose import compose
from pillarbox.mime.date import rfc5322_date
from pillarbox.model.email import Flag

_HOUR = 3600 * MICROSECONDS


class Sample(NamedTuple):
    """A letter, where it lies and how it is marked."""

    mailbox: str
    data: bytes
    flags: int
    received_at: int


_LETTERS: tuple[tuple[str, str, str, int, int, str], ...] = (
    (
        "INBOX", "Pillarbox <postmaster@example.test>", "Welcome to Pillarbox", 1, Flag.NONE,
        "This is a throwaway site. Nothing in it leaves this machine, and all of it is gone when you stop it.\n\n"
        "What was answered 250 is in the transaction log before you see it: kill the server as hard as you like,\n"
        "start one with `pillarbox serve` on a site of your own, and count your mail.\n",
    ),
    (
        "INBOX", "Zoë Müller <zoe@example.test>", "Grüße aus Köln ✉", 5, Flag.NONE,
        "Hallo!\n\nUmlauts, accents (é, ñ) and 日本語 travel as they are.\n\nBis bald\nZoë\n",
    ),
    (
        "INBOX", "Bob <bob@example.test>", "Lunch on Thursday?", 26, Flag.SEEN | Flag.ANSWERED,
        "The place by the river, half past twelve. I will bring the drawings.\n",
    ),
    (
        "Archive", "Billing <billing@supplier.test>", "Your invoice 2041", 24 * 40, Flag.SEEN | Flag.FLAGGED,
        "Please find below the sum of 120.00 for September.\n",
    ),
    (
        "Drafts", "", "Notes for the meeting", 3, Flag.SEEN | Flag.DRAFT,
        "1. Backups: who practises the restore?\n2. How long may it take?\n",
    ),
)  # fmt: skip


def sample_letters(address: str, now: int) -> list[Sample]:
    """Letters for one person; `now` in microseconds since 1970 UTC."""
    letters = []
    for mailbox, sender, subject, hours, flags, text in _LETTERS:
        received_at = now - hours * _HOUR
        headers = {
            "From": sender or address,
            "To": address,
            "Subject": subject,
            "Date": rfc5322_date(received_at).decode(),
            "Message-ID": f"<sample.{hours}.{received_at}@example.test>",
        }
        letters.append(Sample(mailbox, compose(headers, text), int(flags), received_at))
    return letters
