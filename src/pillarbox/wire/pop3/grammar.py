"""The grammar of POP3's arguments (RFC 1939 section 3, RFC 2449, RFC 5034).

Every function takes the text behind a keyword, without control characters, and answers None where it does not
follow its rule; nothing raises.
"""


def message_number(text: str) -> int | None:
    """A message-number: decimal, from 1 on (RFC 1939 section 4)."""
    number = line_count(text)
    return number if number else None


def line_count(text: str) -> int | None:
    """A non-negative number of lines, for TOP (RFC 1939 section 7)."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def words(text: str) -> list[str]:
    """Arguments, separated by single spaces (RFC 1939 section 3); more spaces are read as one."""
    return [word for word in text.split(" ") if word]
