"""The keys that SCRAM-SHA-256 keeps instead of a password (RFC 5802 section 3, RFC 7677)."""

import hashlib
import hmac
from typing import NamedTuple

DEFAULT_ITERATIONS = 4096
"""RFC 7677 section 4 asks for at least this many."""


class ScramKeys(NamedTuple):
    """What is kept of a password; the same four fields as `model.directory.ScramKeys`."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


def make_scram_keys(password: str, salt: bytes, iterations: int = DEFAULT_ITERATIONS) -> ScramKeys:
    """The keys of `password`, which must have been through `base.saslprep.saslprep`."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return ScramKeys(
        salt=salt,
        iterations=iterations,
        stored_key=hashlib.sha256(client_key).digest(),
        server_key=hmac.digest(salted, b"Server Key", "sha256"),
    )
