"""The line of a database over its generations."""

import pytest

from pillarbox.recovery.lineage import Lineage


@pytest.fixture
def line() -> Lineage:
    """Generation 2 followed record 49 of 1 and was left for 3, which follows record 29 of 1; 4 follows 3 at 60."""
    return Lineage.known([(1, 1), (1, 31), (2, 50), (3, 30), (3, 55), (4, 61)], [])


def test_what_counts_is_seen_from_the_newest(line: Lineage) -> None:
    assert [line.end(generation) for generation in (1, 2, 3, 4)] == [29, 29, 60, None]
    assert line.following(1) == (3, 30)
    assert line.following(3) == (4, 61)
    assert line.following(4) is None
    assert line.holds((1, 29)) and not line.holds((1, 30))
    assert not line.holds((2, 49)) and not line.holds((2, 60))
    assert line.holds((3, 60)) and not line.holds((3, 61))
    assert line.holds((4, 1000)) and not line.holds((5, 1))


def test_another_line_may_be_meant(line: Lineage) -> None:
    other = Lineage.known([(1, 1), (2, 50), (3, 30)], [], newest=2)
    assert other.holds((1, 49)) and other.holds((2, 99)) and not other.holds((3, 30))
    assert other.following(1) == (2, 50)


def test_backups_tell_where_a_generation_has_begun_at_the_latest() -> None:
    line = Lineage.known([(1, 1), (2, 80)], [(2, 44), (2, 90)])
    assert line.end(1) == 44
    assert not line.holds((1, 45))


def test_of_two_generations_that_begin_alike_the_later_counts() -> None:
    line = Lineage.known([(1, 1), (2, 20), (3, 20)], [])
    assert line.following(1) == (3, 20)
    assert line.end(2) == 19
