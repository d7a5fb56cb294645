"""SASLprep: names and passwords brought into the one form in which they are compared (RFC 4013).

Used wherever a name or password is checked and wherever keys are made from one, so that both sides agree.
Normalisation is that of Unicode 3.2, as stringprep says. Code points it did not know are let through unchanged, as
RFC 3454 section 7 asks of queries: a password may be typed in a newer Unicode.
"""

import stringprep
from unicodedata import ucd_3_2_0


def saslprep(text: str) -> str | None:
    """`text` prepared as by RFC 4013, or None where it holds a character that is prohibited."""
    if text.isascii() and text.isprintable():
        return text
    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char for char in text if not stringprep.in_table_b1(char)
    )
    prepared = ucd_3_2_0.normalize("NFKC", mapped)
    if any(_prohibited(char) for char in prepared) or not _direction_agrees(prepared):
        return None
    return prepared


def _prohibited(char: str) -> bool:
    """RFC 4013 section 2.3."""
    return (
        stringprep.in_table_c12(char)
        or stringprep.in_table_c21_c22(char)
        or stringprep.in_table_c3(char)
        or stringprep.in_table_c4(char)
        or stringprep.in_table_c5(char)
        or stringprep.in_table_c6(char)
        or stringprep.in_table_c7(char)
        or stringprep.in_table_c8(char)
        or stringprep.in_table_c9(char)
    )


def _direction_agrees(text: str) -> bool:
    """RFC 3454 section 6: text with a right-to-left letter begins and ends with one and has no left-to-right one."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return True
    return (
        stringprep.in_table_d1(text[0])
        and stringprep.in_table_d1(text[-1])
        and not any(stringprep.in_table_d2(char) for char in text)
    )
