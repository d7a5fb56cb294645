"""The keys a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3, RFC 7677).

Whoever steals them can guess at the speed of PBKDF2, not of Argon2id; hence more iterations than the 4096 that
RFC 7677 asks for. Deriving takes tens of milliseconds: not for the event loop's thread.
"""

import hashlib
import hmac

from pillarbox.model.directory import ScramKeys

FEWEST_ITERATIONS = 4096


def derive_keys(password: str, salt: bytes, iterations: int) -> ScramKeys:
    """The keys of a password that has been through SASLprep."""
    if iterations < FEWEST_ITERATIONS:
        raise ValueError(f"SCRAM needs at least {FEWEST_ITERATIONS} iterations, not {iterations}")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return ScramKeys(salt, iterations, hashlib.sha256(client_key).digest(), server_key)
