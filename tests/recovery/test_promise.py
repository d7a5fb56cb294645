"""What is promised to whom: read from the settings, the strictest for each database."""

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.base.settings import Promise
from pillarbox.model.failure import Failure
from pillarbox.recovery.promise import EVERYBODY, PromiseClass, Promised, promise_classes, promises


def test_a_class_is_as_everybody_where_its_line_says_nothing() -> None:
    settings = Promise(hours=4.0, loss_seconds=60.0, classes=["Board@example.org hours=0.5", "it@a.b loss_seconds=0"])
    assert promise_classes(settings) == [
        PromiseClass(EVERYBODY, 4.0, 60.0),
        PromiseClass("board@example.org", 0.5, 60.0),
        PromiseClass("it@a.b", 4.0, 0.0),
    ]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "must begin with an address"),
        ("hours=1 board@example.org", "must begin with an address"),
        ("board hours=1", "'board' is not the address of a group"),
        ("@example.org hours=1", "is not the address of a group"),
        ("board@example.org", "promises nothing"),
        ("board@example.org hours", "'hours' is neither hours=NUMBER nor loss_seconds=NUMBER"),
        ("board@example.org minutes=3", "'minutes=3' is neither"),
        ("board@example.org hours=one", "hours=one is not a number"),
        ("board@example.org hours=-1", "must be zero or more"),
        ("board@example.org hours=nan", "must be zero or more"),
        ("board@example.org hours=0", "nothing is back in 0 hours"),
        ("board@example.org hours=1 hours=2", "hours is given twice"),
        ("all@example.org hours=3", "has a promise already"),
    ],
)
def test_a_line_that_is_wrong_is_named(line: str, why: str) -> None:
    with pytest.raises(Failure) as caught:
        promise_classes(Promise(classes=["all@example.org hours=2", line]))
    assert caught.value.kind is FailureKind.INVALID
    assert caught.value.public.startswith(f'[promise] classes has "{line}": ')
    assert why in caught.value.public


def test_a_database_is_held_to_the_strictest_promise() -> None:
    classes = [
        PromiseClass(EVERYBODY, 4.0, 60.0),
        PromiseClass("board@a.b", 1.0, 60.0),
        PromiseClass("law@a.b", 2.0, 0.0),
        PromiseClass("lax@a.b", 9.0, 900.0),
    ]
    members = {"board@a.b": frozenset({"m1"}), "law@a.b": frozenset({"m1", "m2"}), "lax@a.b": frozenset({"m3"})}
    assert promises(classes, members, ["m1", "m2", "m3"]) == {
        "m1": Promised(1.0, 0.0, "board@a.b", "law@a.b"),
        "m2": Promised(2.0, 0.0, "law@a.b", "law@a.b"),
        "m3": Promised(4.0, 60.0, EVERYBODY, EVERYBODY),
    }
