"""Walking aliases and groups: any graph of them, held against the plain model; and how much work is done at once."""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pillarbox.directory import resolve
from pillarbox.directory.address import parse_address
from pillarbox.directory.directory import EmbeddedDirectory
from pillarbox.directory.refusals import ALIAS, GROUP, PERSON
from pillarbox.model.directory import Person, Recipient, Resolution, Route
from pillarbox.model.ids import AccountId
from pillarbox.testing.memorydirectory import MemoryDirectory, _List, _Someone

NAMES = [f"{name}@{domain}" for domain in ("one.test", "two.test") for name in ("a", "b", "c", "d", "postmaster")]
TARGETS = st.sampled_from(
    [*NAMES, "A+Detail@one.test", "b+x@two.test", "nobody@one.test", "X@example.org", "y@example.org"]
)
ENTRIES = st.one_of(
    st.tuples(st.just(PERSON), st.booleans()),
    st.tuples(st.just(ALIAS), TARGETS),
    st.tuples(st.just(GROUP), st.lists(TARGETS, max_size=4)),
)
SITES = st.dictionaries(st.sampled_from([*NAMES, "a+x@one.test", "a+detail@one.test"]), ENTRIES, max_size=10)
CATCH_ALLS = st.one_of(st.just(""), TARGETS)
ASKED = [*NAMES, "A+x@one.test", "c+y@TWO.test", "nobody@one.test", "nobody@two.test", "z@example.org", "postmaster"]

INSERT_NAME = "INSERT INTO name VALUES (?, ?, ?)"
INSERT_PERSON = "INSERT INTO person VALUES (?, ?, '', 'mailboxes', ?, 0, 0)"
INSERT_MEMBER = "INSERT INTO member VALUES (?, ?, ?)"


def fill_model(site: dict[str, Any], catch_alls: tuple[str, str]) -> MemoryDirectory:
    model = MemoryDirectory()
    model.catch_alls = dict(zip(("one.test", "two.test"), catch_alls, strict=True))
    for account, (key, (kind, value)) in enumerate(site.items(), 1):
        if kind == PERSON:
            model.persons[key] = _Someone(Person(AccountId(account), key, "", "mailboxes", value, 0, 0), "x")
        elif kind == ALIAS:
            model.alias_targets[key] = value
        else:
            model.lists[key] = _List("", {parse_address(member).key: member for member in value})
    return model


def fill_tables(cursor: Any, site: dict[str, Any], catch_alls: tuple[str, str]) -> None:
    """Writes the rows as they are, past all checks."""
    for table in ("domain", "name", "person", "alias", "distribution", "member"):
        cursor.execute(f"DELETE FROM {table}")
    for domain, target in zip(("one.test", "two.test"), catch_alls, strict=True):
        cursor.execute("INSERT INTO domain VALUES (?, ?, ?)", (domain, target, target.lower()))
    for account, (key, (kind, value)) in enumerate(site.items(), 1):
        cursor.execute(INSERT_NAME, (key, key.partition("@")[2], kind))
        if kind == PERSON:
            cursor.execute(INSERT_PERSON, (account, key, int(value)))
        elif kind == ALIAS:
            cursor.execute("INSERT INTO alias VALUES (?, ?, ?)", (key, value, value.lower()))
        else:
            cursor.execute("INSERT INTO distribution VALUES (?, '')", (key,))
            members = {member.lower(): member for member in value}
            cursor.executemany(INSERT_MEMBER, [(key, *item) for item in members.items()])
    cursor.execute("UPDATE counter SET value = value + 1 WHERE name = 'change'")


def summary(resolution: Resolution) -> tuple[Route, list[int], list[str], set[str]]:
    accounts = [recipient.person.account for recipient in resolution.recipients]
    assert len(accounts) == len(set(accounts)), "each person once"
    return (
        resolution.route,
        sorted(accounts),
        sorted(address.lower() for address in resolution.foreign),
        {recipient.address for recipient in resolution.recipients},
    )


def test_any_graph_ends_and_is_as_the_plain_model_says(opened: Callable[[], EmbeddedDirectory], run: Any) -> None:
    directory = opened()

    @given(SITES, st.tuples(CATCH_ALLS, CATCH_ALLS))
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    def check(site: dict[str, Any], catch_alls: tuple[str, str]) -> None:
        model = fill_model(site, catch_alls)
        run(directory._database.write(lambda cursor: fill_tables(cursor, site, catch_alls)))
        for address in ASKED:
            found = run(directory.resolve(address))
            assert summary(found) == summary(run(model.resolve(address))), address
            assert run(directory.resolve(address)) == found, "the same from memory"
            assert run(directory.person(address)) == run(model.person(address))

    check()


def aliases(length: int) -> dict[str, Any]:
    """A chain of aliases to a person, the given number of addresses long."""
    chain: dict[str, Any] = {f"a{n}@one.test": (ALIAS, f"a{n + 1}@one.test") for n in range(length - 1)}
    return chain | {f"a{length - 1}@one.test": (PERSON, True)}


def test_the_deepest_way(opened: Callable[[], EmbeddedDirectory], run: Any) -> None:
    directory = opened()
    for length, route in ((resolve.DEEPEST, Route.LOCAL), (resolve.DEEPEST + 1, Route.LOOP)):
        chain = aliases(length)
        run(directory._database.write(lambda cursor, chain=chain: fill_tables(cursor, chain, ("", ""))))
        assert run(directory.resolve("a0@one.test")).route is route


def test_the_shortest_way_gives_the_detail(opened: Callable[[], EmbeddedDirectory], run: Any) -> None:
    directory = opened()
    site = {
        "a@one.test": (PERSON, True),
        "b@one.test": (ALIAS, "a+Long@one.test"),
        "c@one.test": (GROUP, ["a+Short@one.test", "b@one.test"]),
    }
    run(directory._database.write(lambda cursor: fill_tables(cursor, site, ("", ""))))
    (recipient,) = run(directory.resolve("c@one.test")).recipients
    assert recipient == Recipient(recipient.person, "c@one.test", "Short")


def test_a_large_group_is_walked_in_slices(opened: Callable[[], EmbeddedDirectory], run: Any) -> None:
    directory = opened()
    everybody = {f"p{n}@one.test": (PERSON, True) for n in range(2000)}
    site = {**everybody, "all@one.test": (GROUP, list(everybody))}
    run(directory._database.write(lambda cursor: fill_tables(cursor, site, ("", ""))))
    with directory._database.read() as cursor:
        domains = {"one.test": ""}
        expansion = resolve.Expansion("all@one.test", "+")
        steps = 0
        while not expansion.done:
            expansion.step(cursor, domains)
            steps += 1
    assert steps == 1 + -(-2000 // resolve.BATCH)
    assert len(expansion.resolution().recipients) == 2000
    assert len(run(directory.resolve("all@one.test")).recipients) == 2000
