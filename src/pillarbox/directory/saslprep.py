"""SASLprep (RFC 4013): one form for the many ways a password can be typed.

Code points that Unicode 3.2 did not know (emoji, newer scripts) are kept as they are, as RFC 3454 section 7 allows
for queries: refusing them would lock people out of passwords that every client sends unchanged.
Raises ValueError for what RFC 4013 prohibits.
"""

import stringprep
from unicodedata import ucd_3_2_0

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def saslprep(text: str) -> str:
    """`text` mapped, normalised (NFKC) and checked (RFC 4013 section 2)."""
    if text.isascii():
        if not text.isprintable():
            raise ValueError("a control character")
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    prepared = ucd_3_2_0.normalize("NFKC", mapped)
    for char in prepared:
        if any(prohibited(char) for prohibited in _PROHIBITED):
            raise ValueError(f"the character U+{ord(char):04X}")
    _check_bidirectional(prepared)
    return prepared


def _check_bidirectional(text: str) -> None:
    """RFC 3454 section 6: right-to-left text is not mixed with left-to-right, and stands at both ends."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise ValueError("right-to-left and left-to-right letters mixed")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("right-to-left letters that are not at both ends")
