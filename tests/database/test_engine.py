"""What every user of a logged database may rely on."""

import asyncio
import threading
from typing import Any

import apsw
import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.logged import Commit, LoggedDatabase, WriteCursor
from pillarbox.testing.ledger import drop, entries, put


@pytest.fixture
def database(site: Any) -> LoggedDatabase:
    return site.create()  # type: ignore[no-any-return]


def holding_the_writer(database: Any) -> threading.Event:
    """Keep the writer busy until the event is set, so that what is queued meanwhile becomes one batch."""
    entered, go = threading.Event(), threading.Event()

    def wait(cursor: WriteCursor) -> None:
        entered.set()
        go.wait(10)

    threading.Thread(target=database.write_sync, args=(wait,)).start()
    entered.wait(10)
    return go


def test_a_write_is_read_back(database: LoggedDatabase) -> None:
    assert database.write_sync(lambda cursor: put(cursor, "a", b"1") or 7) == 7  # type: ignore[func-returns-value]
    assert entries(database) == {"a": b"1"}
    assert database.position == 2  # the schema was record 1


def test_what_a_write_raises_undoes_it_alone_and_reaches_its_caller_alone(database: LoggedDatabase) -> None:
    def broken(cursor: WriteCursor) -> None:
        put(cursor, "bad", b"x")
        cursor.execute("DELETE FROM entry WHERE key = 'a'")
        raise KeyError("mine")

    async def run() -> list[Any]:
        go = holding_the_writer(database)
        writes = [
            database.write(lambda cursor: put(cursor, "a", b"1")),
            database.write(broken),
            database.write(lambda cursor: put(cursor, "b", b"2")),
        ]
        waiting = asyncio.gather(*writes, return_exceptions=True)
        await asyncio.sleep(0)
        go.set()
        return await waiting

    first, second, third = asyncio.run(run())
    assert (first, third) == (None, None)
    assert isinstance(second, KeyError)
    assert entries(database) == {"a": b"1", "b": b"2"}
    assert database.position == 2  # all of it was one record


def test_the_log_knows_nothing_of_what_was_undone(site: Any, database: Any) -> None:
    go = holding_the_writer(database)

    def broken(cursor: WriteCursor) -> None:
        put(cursor, "a", b"overwritten")
        put(cursor, "bad", b"x")
        raise KeyError

    async def run() -> None:
        writes = [database.write(lambda cursor: put(cursor, "a", b"1")), database.write(broken)]
        waiting = asyncio.gather(*writes, return_exceptions=True)
        await asyncio.sleep(0)
        go.set()
        await waiting

    asyncio.run(run())
    database.close()
    site.remove_database()
    assert entries(site.open()) == {"a": b"1"}


def test_a_batch_without_changes_leaves_no_record(database: LoggedDatabase) -> None:
    database.write_sync(lambda cursor: put(cursor, "a", b"1"))
    before = database.position
    database.write_sync(lambda cursor: list(cursor.execute("SELECT * FROM entry")))
    database.write_sync(lambda cursor: put(cursor, "a", b"1"))
    database.write_sync(lambda cursor: (put(cursor, "b", b"2"), drop(cursor, "b")))
    with pytest.raises(KeyError):
        database.write_sync(lambda cursor: {}["nothing"])
    assert database.position == before


def test_a_broken_unique_rule_is_a_failure(database: LoggedDatabase) -> None:
    insert = "INSERT INTO numbered (text) VALUES (?) RETURNING id"
    assert database.write_sync(lambda cursor: next(cursor.execute(insert, ("second",)))) == (2,)
    with pytest.raises(Failure) as caught:
        database.write_sync(lambda cursor: cursor.execute(insert, ("second",)))
    assert caught.value.kind is FailureKind.ALREADY_EXISTS


def test_stop_iteration_does_not_hang_the_caller(database: LoggedDatabase) -> None:
    def nothing(cursor: WriteCursor) -> object:
        return next(cursor.execute("SELECT 1 WHERE 0"))

    with pytest.raises(RuntimeError, match="StopIteration"):
        asyncio.run(asyncio.wait_for(database.write(nothing), 10))


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (id INTEGER PRIMARY KEY)",
        "DROP TABLE entry",
        "ALTER TABLE entry ADD COLUMN x",
        "CREATE TEMP TABLE t (id INTEGER PRIMARY KEY)",
        "COMMIT",
        "ROLLBACK",
        "END",
        "SAVEPOINT mine",
        "PRAGMA user_version = 3",
        "ATTACH ':memory:' AS other",
        "DELETE FROM log_position",
        "UPDATE log_position SET lsn = 99",
    ],
)
def test_a_write_cannot_do_what_a_replay_could_not_repeat(database: LoggedDatabase, sql: str) -> None:
    for _ in range(2):  # not even by way of the statement cache
        with pytest.raises(apsw.AuthError):
            database.write_sync(lambda cursor: (put(cursor, "lost", b""), cursor.execute(sql)))
    database.write_sync(lambda cursor: put(cursor, "a", b"1"))
    assert entries(database) == {"a": b"1"}


def test_a_result_left_half_read_does_not_hold_up_the_next_write(database: LoggedDatabase) -> None:
    database.write_sync(lambda cursor: [put(cursor, str(n), bytes(9000)) for n in range(50)])
    results = []
    for number in range(3):

        def leave(cursor: WriteCursor, number: int = number) -> None:
            result = cursor.execute("SELECT * FROM entry")
            next(result)
            results.append(result)
            put(cursor, f"more {number}", b"")

        database.write_sync(leave)
    assert len(entries(database)) == 53


def test_reads_see_one_unchanging_view(database: LoggedDatabase) -> None:
    database.write_sync(lambda cursor: put(cursor, "a", b"1"))
    with database.read() as cursor:
        assert next(cursor.execute("SELECT value FROM entry")) == (b"1",)
        database.write_sync(lambda cursor: put(cursor, "a", b"2"))
        assert next(cursor.execute("SELECT value FROM entry")) == (b"1",)
        with database.read() as other:
            assert next(other.execute("SELECT value FROM entry")) == (b"2",)


def test_reads_cannot_write_and_survive_an_error(database: LoggedDatabase) -> None:
    with pytest.raises(Failure), database.read() as cursor:
        cursor.execute("DELETE FROM entry")
    for _ in range(3):
        with database.read() as cursor:
            unread = cursor.execute("SELECT 1 UNION SELECT 2")
            next(unread)
    assert entries(database) == {}


def test_changes_are_published_once_per_commit_before_the_writers_are_answered(database: LoggedDatabase) -> None:
    events: list[Any] = []

    def fail(cursor: WriteCursor) -> None:
        cursor.publish("never")
        raise KeyError

    async def write(key: str) -> None:
        await database.write(lambda cursor: put(cursor, key, b""))
        events.append(f"answered {key}")

    async def run() -> None:
        stop = database.subscribe(events.append)
        go = holding_the_writer(database)
        waiting = asyncio.gather(write("a"), database.write(fail), write("b"), return_exceptions=True)
        await asyncio.sleep(0)
        go.set()
        await waiting
        stop()
        await write("c")

    asyncio.run(run())
    assert events == [Commit("book", 2, ["a", "b"]), "answered a", "answered b", "answered c"]


def test_a_cancelled_writer_harms_nobody(database: LoggedDatabase) -> None:
    async def run() -> None:
        go = holding_the_writer(database)
        task = asyncio.create_task(database.write(lambda cursor: put(cursor, "a", b"")))
        other = asyncio.create_task(database.write(lambda cursor: put(cursor, "b", b"")))
        await asyncio.sleep(0)
        task.cancel()
        go.set()
        await other
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert set(entries(database)) == {"a", "b"}


def test_close_finishes_what_is_queued_and_then_refuses(database: Any) -> None:
    go = holding_the_writer(database)
    answered = []
    threads = [
        threading.Thread(
            target=lambda n=n: answered.append(database.write_sync(lambda cursor: put(cursor, str(n), b"")))
        )
        for n in range(10)
    ]
    for thread in threads:
        thread.start()
    while len(database._writer._queue) < 10:
        pass
    go.set()
    database.close()
    for thread in threads:
        thread.join()
    assert len(answered) == 10
    with pytest.raises(Failure) as caught:
        database.write_sync(lambda cursor: None)
    assert caught.value.kind is FailureKind.UNAVAILABLE
    with pytest.raises(Failure), database.read():
        pass


def test_large_writes_make_smaller_batches(database: Any) -> None:
    async def run() -> None:
        go = holding_the_writer(database)
        writes = [database.write(lambda cursor, n=n: put(cursor, str(n), b"x"), size=7 << 20) for n in range(6)]
        waiting = asyncio.gather(*writes)
        await asyncio.sleep(0)
        go.set()
        await waiting

    asyncio.run(run())
    assert database.position == 1 + 3  # two of 7 MiB fit into a batch of 16


def test_the_status_names_everything(site: Any, database: LoggedDatabase) -> None:
    status = database.status()
    assert (status.name, status.schema_version, status.generation, status.position) == ("book", 1, 1, 1)
    assert status.stopped is None
    assert [volume.path for volume in status.log_volumes] == [str(site.root / "log1")]
