"""What every target must do: checks that each implementation of `model.recovery.Target` passes.

Each check is given a fresh, empty target; `CHECKS` names them all. They raise AssertionError.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Stored, Target

Check = Callable[[Target], None]


def fails(kind: FailureKind, call: Callable[[], object]) -> Failure:
    """The failure of that kind which `call` raises."""
    try:
        call()
    except Failure as failure:
        assert failure.kind is kind, f"{failure!r} is not {kind}"
        return failure
    raise AssertionError(f"no failure of kind {kind}")


def names(target: Target, prefix: str = "") -> list[str]:
    return [stored.name for stored in target.list(prefix)]


def an_object_comes_back_whole(target: Target) -> None:
    for name, data in (("a", b""), ("sets/x/1.zst", b"one"), ("sets/x/2", bytes(range(256)) * 20_000)):
        target.put(name, data)
        assert target.get(name) == data
    target.flush()
    assert list(target.list("")) == [Stored("a", 0), Stored("sets/x/1.zst", 3), Stored("sets/x/2", 5_120_000)]


def a_second_put_replaces(target: Target) -> None:
    target.put("a/b", b"first, longer")
    target.put("a/b", b"second")
    assert target.get("a/b") == b"second"
    assert list(target.list("a/")) == [Stored("a/b", 6)]


def what_is_not_there_is_not_found(target: Target) -> None:
    target.put("a/b", b"x")
    for name in ("b", "a", "a/b/c", "a/c", "a/bb"):
        assert name in fails(FailureKind.NOT_FOUND, lambda name=name: target.get(name)).public  # type: ignore[misc]


def deleting_is_for_good_and_may_be_repeated(target: Target) -> None:
    target.put("a/b/c", b"x")
    target.put("a/d", b"x")
    target.delete("a/b/c")
    target.delete("a/b/c")
    target.delete("never/was")
    target.delete("a/d/e")
    target.flush()
    fails(FailureKind.NOT_FOUND, lambda: target.get("a/b/c"))
    assert names(target) == ["a/d"]
    target.put("a/b/c", b"again")
    assert target.get("a/b/c") == b"again"


def a_list_is_in_order_and_by_prefix(target: Target) -> None:
    all_names = sorted(["a", "a-b/c", "a.b", "ab/c", "ab/d/e", "ab/d.e", "abc", "b/0", "b/1-closed.zst", "b/1.zst.age"])
    for name in reversed(all_names):
        target.put(name, name.encode())
    target.flush()
    for prefix in ("", "a", "ab", "ab/", "ab/d", "ab/d/", "abc", "b/1", "b/1.", "c", "ab/d/e/", "/"):
        assert names(target, prefix) == [name for name in all_names if name.startswith(prefix)], prefix


def an_object_may_be_deleted_while_a_list_is_read(target: Target) -> None:
    for number in range(10):
        target.put(f"a/{number}", b"x")
    seen = []
    for stored in target.list("a/"):
        seen.append(stored.name)
        target.delete(stored.name)
    assert seen == [f"a/{number}" for number in range(10)]
    assert names(target) == []


def a_wrong_name_is_refused(target: Target) -> None:
    for name in ("", "..", "../a", "a/../b", "/a", "a/", "a//b", "a b", ".a", "a\n", "ä", "a" * 2000):
        fails(FailureKind.INVALID, lambda name=name: target.put(name, b"x"))  # type: ignore[misc]
        fails(FailureKind.INVALID, lambda name=name: target.get(name))  # type: ignore[misc]
        fails(FailureKind.INVALID, lambda name=name: target.delete(name))  # type: ignore[misc]
    assert names(target) == []


def many_threads_may_put(target: Target) -> None:
    all_names = [f"t/{number % 7}/{number:04}" for number in range(100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: target.put(name, name.encode() * 100), all_names))
        assert list(pool.map(target.get, all_names)) == [name.encode() * 100 for name in all_names]
    target.flush()
    assert names(target, "t/") == sorted(all_names)


def puts_and_deletes_side_by_side(target: Target) -> None:
    def once(number: int) -> None:
        for _ in range(10):
            target.put(f"deep/er/{number}/x", b"x")
            target.delete(f"deep/er/{number}/x")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(once, range(8)))
    target.flush()
    assert names(target) == []


def it_has_a_label(target: Target) -> None:
    assert target.label


CHECKS: tuple[Check, ...] = (
    an_object_comes_back_whole,
    a_second_put_replaces,
    what_is_not_there_is_not_found,
    deleting_is_for_good_and_may_be_repeated,
    a_list_is_in_order_and_by_prefix,
    an_object_may_be_deleted_while_a_list_is_read,
    a_wrong_name_is_refused,
    many_threads_may_put,
    puts_and_deletes_side_by_side,
    it_has_a_label,
)
