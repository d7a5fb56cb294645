"""Random identifiers and secrets, handed in as a value so that tests can set them.

`Ids` is the only source of randomness in Pillarbox.
"""

import os
import random
from typing import Protocol

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TO_LETTERS = bytes(ord(_ALPHABET[octet & 31]) for octet in range(256))
_STORE = 4096


class Ids(Protocol):
    """Where random identifiers come from."""

    def token(self, length: int = 12) -> str:
        """A random word of `length` lower-case letters and digits, 5 bits each (no i, l, o, u)."""

    def secret(self, size: int) -> bytes:
        """`size` random bytes fit for keys and salts."""


class SystemIds:
    """Identifiers from the operating system's random source, asked for many octets at a time."""

    def __init__(self) -> None:
        self._store = ""
        self._used = 0

    def token(self, length: int = 12) -> str:
        begin = self._used
        end = begin + length
        if end > len(self._store):
            self._store = os.urandom(max(_STORE, length)).translate(_TO_LETTERS).decode("ascii")
            begin, end = 0, length
        self._used = end
        return self._store[begin:end]

    def secret(self, size: int) -> bytes:
        return os.urandom(size)


class SeededIds:
    """The same identifiers in the same order for the same seed; for tests."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)

    def token(self, length: int = 12) -> str:
        return "".join(self._random.choice(_ALPHABET) for _ in range(length))

    def secret(self, size: int) -> bytes:
        return self._random.randbytes(size)
