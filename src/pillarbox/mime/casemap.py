"""Comparing text without regard to case, in every script: i;unicode-casemap (RFC 5051).

`casemap` gives keys that sort and compare as the collation wants: each character in its simple title case, then
decomposed. `fold` is for finding one text in another: coarser than the collation, so that it finds all that the
collation finds, and "ß" by "ss" besides. Both are pure and linear.
"""

import unicodedata


class _TitleCase(dict[int, int]):
    """From a character's code to that of its simple title case; Unicode's special casing is left out."""

    def __missing__(self, code: int) -> int:
        title = chr(code).title()
        self[code] = mapped = ord(title) if len(title) == 1 else code
        return mapped


_TITLE = _TitleCase()
"""Grows to what Unicode has, no further."""


def casemap(text: str) -> str:
    """The text as i;unicode-casemap compares it: equal texts give equal keys, and keys sort by code."""
    if text.isascii():
        return text.upper()
    return unicodedata.normalize("NFKD", text.translate(_TITLE))


def fold(text: str) -> str:
    """The text as it is searched for and in."""
    if text.isascii():
        return text.lower()
    return casemap(text).casefold()
