"""`Message.object_id`: names what of a message never changes, so that all copies of it have the same one.

It is made of the content's id, the time of arrival and, where this server put trace headers before the content, a hash
of those: a copy has the same three wherever it lies, even as an email of its own, and two messages that differ in any
octet do not. Nothing is stored for it.
"""

import re
from hashlib import blake2b
from typing import NamedTuple

_ID = re.compile(r"e([0-9a-f]{1,15})-(n?)([0-9a-f]{1,15})(?:-([0-9a-f]{16}))?")


class Parts(NamedTuple):
    """What an id is made of; `trace` is the hash of the trace headers, "" where there are none."""

    content: int
    received_at: int
    trace: str


def object_id(content: int, received_at: int, trace: bytes) -> str:
    """The id of a message."""
    sign = "n" if received_at < 0 else ""
    return f"e{content:x}-{sign}{abs(received_at):x}" + (f"-{hash_of(trace)}" if trace else "")


def hash_of(trace: bytes) -> str:
    """The part of the id that stands for the trace headers."""
    return blake2b(trace, digest_size=8).hexdigest() if trace else ""


def parts(text: str) -> Parts | None:
    """What an id is made of, None where it is none of ours."""
    found = _ID.fullmatch(text)
    if found is None:
        return None
    at = int(found[3], 16)
    return Parts(int(found[1], 16), -at if found[2] else at, found[4] or "")
