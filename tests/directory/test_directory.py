"""The embedded directory as several processes use it: what is remembered, what ends that, and what it costs."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.directory.directory import EmbeddedDirectory
from pillarbox.directory.schema import DirectorySchema
from pillarbox.directory.view import Bounded
from pillarbox.model.directory import Person, Route
from pillarbox.model.failure import Failure

ALICE = "alice@example.test"
Opened = Callable[[], EmbeddedDirectory]


@pytest.fixture
def two(opened: Opened, run: Any) -> tuple[EmbeddedDirectory, EmbeddedDirectory]:
    """Two directories on one database, as two processes have them; alice is there."""
    here, there = opened(), opened()
    run(here.add_domain("example.test", ""))
    run(here.add_person(ALICE, "secret", "Alice", "mailboxes", 0, 0))
    return here, there


def count_hashes(directory: EmbeddedDirectory, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A list that grows with each password hashed."""
    hashed: list[str] = []
    verify = directory._passwords.verify

    async def counting(password_hash: str | None, password: str) -> bool:
        hashed.append(password)
        return await verify(password_hash, password)

    monkeypatch.setattr(directory._passwords, "verify", counting)
    return hashed


def kind(run: Any, directory: EmbeddedDirectory, password: str, login: str = ALICE) -> FailureKind | None:
    try:
        run(directory.verify_password(login, password, "192.0.2.1"))
    except Failure as failure:
        return failure.kind
    return None


class TestTwoProcesses:
    def test_see_each_others_changes_at_the_next_question(self, two: Any, run: Any) -> None:
        here, there = two
        assert run(there.resolve("sales@example.test")).route is Route.UNKNOWN
        assert run(there.person("sales@example.test")) is None
        run(here.add_alias("sales@example.test", ALICE))
        assert run(there.resolve("sales@example.test")).route is Route.LOCAL
        assert run(there.person("sales@example.test")).address == ALICE
        run(here.set_enabled(ALICE, False))
        assert run(there.resolve("sales@example.test")).route is Route.DISABLED
        assert not run(there.person(ALICE)).enabled
        run(there.set_enabled(ALICE, True))
        assert run(here.resolve("sales@example.test")).route is Route.LOCAL
        run(here.delete_alias("sales@example.test"))
        assert run(there.resolve("sales@example.test")).route is Route.UNKNOWN
        assert not run(there.is_local_domain("example.org"))
        run(here.add_domain("example.org", ALICE))
        assert run(there.is_local_domain("example.org"))
        assert run(there.resolve("any@example.org")).recipients[0].person.address == ALICE

    def test_a_password_changed_there_ends_the_remembered_login_here(self, two: Any, run: Any) -> None:
        here, there = two
        assert kind(run, here, "secret") is None
        run(there.set_password(ALICE, "new"))
        assert kind(run, here, "secret") is FailureKind.LOGIN_FAILED
        assert kind(run, here, "new") is None

    def test_a_person_deleted_there_cannot_log_in_here(self, two: Any, run: Any) -> None:
        here, there = two
        assert kind(run, here, "secret") is None
        run(there.delete_person(ALICE))
        assert kind(run, here, "secret") is FailureKind.LOGIN_FAILED
        run(there.add_person(ALICE, "other", "", "mailboxes", 0, 0))
        assert kind(run, here, "secret") is FailureKind.LOGIN_FAILED
        assert kind(run, here, "other") is None

    def test_give_account_ids_that_never_repeat(self, two: Any, run: Any) -> None:
        seen = {run(two[0].delete_person(ALICE)).account}
        for number in range(6):
            person: Person = run(two[number % 2].add_person(ALICE, "x", "", "mailboxes", 0, 0))
            assert person.account not in seen
            seen.add(person.account)
            run(two[1 - number % 2].delete_person(ALICE))


class TestRememberedLogins:
    def test_are_hashed_once(self, two: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        hashed = count_hashes(two[0], monkeypatch)
        for _ in range(100):
            assert kind(run, two[0], "secret") is None
        assert hashed == ["secret"]

    def test_expire(self, two: Any, run: Any, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        hashed = count_hashes(two[0], monkeypatch)
        kind(run, two[0], "secret")
        clock.advance(301)
        kind(run, two[0], "secret")
        assert len(hashed) == 2

    def test_many_connections_at_once_cost_one_hash(self, two: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        hashed = count_hashes(two[0], monkeypatch)

        async def login_all() -> None:
            await asyncio.gather(*[two[0].verify_password(ALICE, "secret", "192.0.2.1") for _ in range(50)])

        run(login_all())
        assert len(hashed) == 1

    def test_many_guesses_at_once_do_not_pass_the_lock_out(
        self, two: Any, run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hashed = count_hashes(two[0], monkeypatch)

        async def guess_all() -> list[Any]:
            guesses = [two[0].verify_password(ALICE, f"guess{n}", "192.0.2.1") for n in range(20)]
            return await asyncio.gather(*guesses, return_exceptions=True)

        kinds = [failure.kind for failure in run(guess_all())]
        assert kinds.count(FailureKind.LOGIN_FAILED) == len(hashed) == 3
        assert kinds.count(FailureKind.LOCKED_OUT) == 17
        assert not two[0]._logins._under_way

    @pytest.mark.parametrize("login", [ALICE, "nobody@example.test", "nonsense"])
    def test_a_wrong_login_costs_one_hash_whoever_it_is(
        self, two: Any, run: Any, monkeypatch: pytest.MonkeyPatch, login: str
    ) -> None:
        kind(run, two[0], "secret")
        hashed = count_hashes(two[0], monkeypatch)
        assert kind(run, two[0], "wrong", login) is FailureKind.LOGIN_FAILED
        assert len(hashed) == 1

    def test_a_password_changed_while_it_is_checked_is_not_let_in(
        self, two: Any, run: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here, there = two
        verify = here._passwords.verify

        async def slow(password_hash: str | None, password: str) -> bool:
            await there.set_password(ALICE, "new")
            return await verify(password_hash, password)

        monkeypatch.setattr(here._passwords, "verify", slow)
        assert kind(run, here, "secret") is FailureKind.LOGIN_FAILED


class TestWhatIsKept:
    def test_survives_and_is_sound(self, two: Any, run: Any, opened: Opened) -> None:
        here, _ = two
        run(here.add_group("all@example.test", "All"))
        run(here.add_member("all@example.test", ALICE))
        run(here.add_alias("al@example.test", ALICE))
        later = opened()
        assert [person.address for person in run(later.people())] == [ALICE]
        assert kind(run, later, "secret") is None
        with later._database.read() as cursor:
            assert list(DirectorySchema().verify(cursor)) == []

    def test_damage_is_named(self, two: Any, run: Any) -> None:
        here, _ = two

        def damage(cursor: Any) -> None:
            cursor.execute("DELETE FROM credential")
            cursor.execute("INSERT INTO member VALUES ('gone@example.test', 'x@y.test', 'x@y.test')")
            cursor.execute("INSERT INTO name VALUES ('a@b.test', 'b.test', 'alias')")

        run(here._database.write(damage))
        with here._database.read() as cursor:
            assert list(DirectorySchema().verify(cursor)) == [
                "a@b.test is listed as an alias but has no target",
                "gone@example.test is a group that does not exist but has members",
                "alice@example.test has no credentials",
                "a@b.test is an address in a domain that is not ours",
            ]

    def test_what_was_refused_left_nothing(self, two: Any, run: Any) -> None:
        here, _ = two
        with pytest.raises(Failure):
            run(here.add_alias("x@example.test", "nobody@example.test"))
        run(here.add_alias("x@example.test", ALICE))

    def test_no_way_from_another_version(self) -> None:
        with pytest.raises(Failure) as raised:
            DirectorySchema().migrate(None, 1)  # type: ignore[arg-type]
        assert raised.value.kind is FailureKind.WRONG_VERSION


def test_memory_is_bounded_by_weight() -> None:
    remembered: Bounded[str] = Bounded(10)
    remembered.put("a", "A", 4)
    remembered.put("b", "B", 4)
    remembered.put("a", "A2", 5)
    assert (remembered.get("a"), remembered.get("b")) == ("A2", "B")
    remembered.put("c", "C", 2)
    assert (remembered.get("b"), remembered.get("a"), len(remembered)) == (None, "A2", 2)
    remembered.put("d", "D", 11)
    assert len(remembered) == 0
    remembered.put("e", "E", 10)
    assert remembered.get("e") == "E"
