"""Small helps for statements: single rows, lists of values, the two counters."""

from collections.abc import Iterable, Iterator, Sequence

from pillarbox.model.logged import Cursor, Row

SLICE = 500
"""Messages looked at by one statement, or changed by one write."""


def one(rows: Iterable[Row]) -> Row | None:
    """The only row, or None; runs the statement to its end."""
    found = None
    for row in rows:
        found = row
    return found


def slices(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """The values in slices of at most SLICE."""
    for at in range(0, len(values), SLICE):
        yield values[at : at + SLICE]


def among(column: str, values: Sequence[int]) -> tuple[str, Sequence[int]]:
    """A condition that `column` is among `values` (some; sorted, all different), and its parameters.

    Lists are padded to a few lengths, so that the engine has few different statements to remember.
    """
    first, last = values[0], values[-1]
    if last - first == len(values) - 1:
        return f"{column} BETWEEN ? AND ?", (first, last)
    length = 8
    while length < len(values):
        length *= 4
    marks = ", ".join("?" * length)
    return f"{column} IN ({marks})", [*values, *(last,) * (length - len(values))]


def take_ids(cursor: Cursor, count: int) -> int:
    """The first of `count` ids that were never given before."""
    row = one(cursor.execute("UPDATE counter SET value = value + ? WHERE name = 'id' RETURNING value", (count,)))
    assert row is not None
    last: int = row[0]
    return last - count + 1


def take_uid_validity(cursor: Cursor, count: int, now: int) -> int:
    """The first of `count` UIDVALIDITYs: the seconds of `now` (microseconds), or later if that was given."""
    seconds = now // 1_000_000
    row = one(
        cursor.execute(
            "UPDATE counter SET value = CASE WHEN value < ? THEN ? ELSE value END + ? "
            "WHERE name = 'uid_validity' RETURNING value",
            (seconds - 1, seconds - 1, count),
        )
    )
    assert row is not None
    last: int = row[0]
    return last - count + 1
