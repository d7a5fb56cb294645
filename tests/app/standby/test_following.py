"""One site follows another over loopback TLS, both in this process: copied, shipped, applied, held back, taken over."""

import asyncio
import functools
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from pillarbox.app import config
from pillarbox.app.build import open_parts, place_of
from pillarbox.app.create import NewSite, create_site
from pillarbox.app.site import SETTINGS_FILE, Site
from pillarbox.app.standby.following import StandbyService
from pillarbox.app.standby.roles import meet_peer
from pillarbox.app.standby.shipping import ShippingService
from pillarbox.app.standby.standing import standing_of
from pillarbox.app.standby.trust import make_standby_certificate, trust
from pillarbox.base.failure import FailureKind
from pillarbox.base.log import NoLog
from pillarbox.base.metrics import NoCounters
from pillarbox.database.connection import connect_reader
from pillarbox.database.live import LiveVolumes
from pillarbox.database.log.scan import records_in
from pillarbox.database.log.segment import HEADER_SIZE, parse_header
from pillarbox.database.recovering import compare_tables
from pillarbox.model.failure import Failure
from pillarbox.recovery.standby.role import Role

HOST = "127.0.0.1"


def on_loop(test: Callable[..., Coroutine[None, None, None]]) -> Callable[..., None]:
    """The test runs on an event loop of its own."""

    @functools.wraps(test)
    def run(*args: object, **named: object) -> None:
        asyncio.run(test(*args, **named))

    return run


def free_port() -> int:
    with socket.create_server((HOST, 0)) as sock:
        return int(sock.getsockname()[1])


def set_standby(site: Site, **values: object) -> Site:
    settings = replace(site.settings, standby=replace(site.settings.standby, **values))  # type: ignore[arg-type]
    (site.path / SETTINGS_FILE).write_text(config.render(settings))
    return Site.load(site.path)


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[tuple[Site, Site]]:
    """An active site and its standby, which trust each other."""

    async def make(name: str) -> Site:
        return await create_site(tmp_path / name, NewSite("example.test", f"{name}.example.test", [], 0, ""))

    one, two = asyncio.run(make("a")), asyncio.run(make("b"))
    port = free_port()
    one = set_standby(one, listen=f"{HOST}:{port}", patience_seconds=2.0)
    two = set_standby(two, server=f"{HOST}:{port}", listen=f"{HOST}:{free_port()}", patience_seconds=2.0)
    trust(one, make_standby_certificate(two))
    trust(two, make_standby_certificate(one))
    yield one, two


@asynccontextmanager
async def shipping(site: Site) -> AsyncIterator[ShippingService]:
    stop = asyncio.Event()
    service = ShippingService(site, NoLog(), NoCounters())
    task = asyncio.create_task(service.run(stop))
    try:
        yield service
    finally:
        stop.set()
        await task


@asynccontextmanager
async def following(site: Site) -> AsyncIterator[tuple[StandbyService, asyncio.Event]]:
    stop, promote = asyncio.Event(), asyncio.Event()
    service = StandbyService(site, NoLog(), NoCounters())
    task = asyncio.create_task(service.run(stop, promote))
    try:
        yield service, promote
    finally:
        if not promote.is_set():
            stop.set()
        await task


async def until(condition: object, seconds: float = 15) -> None:
    assert callable(condition)
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def follows(one: Site, two: Site) -> bool:
    """Whether the standby's databases contain all that the active ones do."""
    try:
        return all(
            LiveVolumes(place_of(one, name)).position() == LiveVolumes(place_of(two, name)).position()
            and LiveVolumes(place_of(one, name)).uuid == LiveVolumes(place_of(two, name)).uuid
            for name in ("directory", "mailboxes")
        )
    except Failure:
        return False


def end_of_log(site: Site, name: str) -> int:
    """The last whole record in the newest segment."""
    path = max((site.path / "log" / name).glob("*.log"))
    header = parse_header(path.read_bytes()[:HEADER_SIZE], "")
    assert header is not None
    return max((record.lsn for record in records_in(path.read_bytes(), 0, header.uuid)), default=header.first_lsn - 1)


async def add_people(site: Site, first: int, last: int, waits: bool = False) -> None:
    with open_parts(site, "worker-9" if waits else "test", waits=waits) as parts:
        for number in range(first, last + 1):
            await parts.directory.add_domain(f"d{number}.test", "")


def differences(one: Site, two: Site) -> list[str]:
    connection = connect_reader(one.data_volume / "directory.db", None)
    connection.execute("ATTACH ? AS recovered", (str(two.data_volume / "directory.db"),))
    try:
        return list(compare_tables(connection))
    finally:
        connection.close()


@on_loop
async def test_a_site_is_copied_and_followed(sites: tuple[Site, Site]) -> None:
    one, two = sites
    async with shipping(one), following(two) as (service, _):
        await until(lambda: follows(one, two))
        await add_people(one, 1, 30)
        await until(lambda: follows(one, two))
        assert service.troubles() == []
    assert differences(one, two) == []


@on_loop
async def test_it_goes_on_after_a_pause(sites: tuple[Site, Site]) -> None:
    one, two = sites
    async with shipping(one):
        async with following(two):
            await until(lambda: follows(one, two))
        await add_people(one, 1, 10)
        async with following(two):
            await until(lambda: follows(one, two))
    await add_people(one, 11, 20)
    async with following(two) as (service, _):
        await asyncio.sleep(0.1)
        assert service.troubles()
        async with shipping(one):
            await until(lambda: follows(one, two))


@on_loop
async def test_a_stranger_is_not_let_in(sites: tuple[Site, Site]) -> None:
    one, two = sites
    (two.path / "standby-certificate.pem").unlink()
    make_standby_certificate(two)
    async with shipping(one), following(two) as (service, _):
        await asyncio.sleep(0.5)
        assert service.troubles()
        assert not follows(one, two)


@on_loop
async def test_in_sync_mode_answers_wait_for_the_standby(sites: tuple[Site, Site]) -> None:
    one, two = sites
    one = set_standby(one, mode="sync")
    async with shipping(one), following(two):
        await until(lambda: follows(one, two))
        for number in range(1, 40):
            await add_people(one, number, number, waits=True)
            at = LiveVolumes(place_of(one, "directory")).position()
            assert end_of_log(two, "directory") >= at.lsn


@pytest.mark.parametrize("policy", ["continue", "stop"])
@on_loop
async def test_the_policy_for_a_standby_that_is_gone(sites: tuple[Site, Site], policy: str) -> None:
    one, two = sites
    one = set_standby(one, mode="sync", when_gone=policy, patience_seconds=0.5)
    async with shipping(one) as service:
        async with following(two):
            await until(lambda: follows(one, two))
            await add_people(one, 1, 3, waits=True)
        await until(lambda: bool(service.troubles()))
        if policy == "continue":
            await add_people(one, 4, 4, waits=True)
        else:
            with pytest.raises(Failure) as caught:
                await add_people(one, 4, 4, waits=True)
            assert caught.value.kind is FailureKind.UNAVAILABLE
        async with following(two):
            await until(lambda: not service.troubles())
            await add_people(one, 5, 6, waits=True)


@on_loop
async def test_taking_over_and_coming_back(sites: tuple[Site, Site]) -> None:
    one, two = sites
    async with shipping(one), following(two) as (service, promote):
        await until(lambda: follows(one, two))
        await add_people(one, 1, 3)
        await until(lambda: follows(one, two))
        promote.set()
        await until(lambda: service.promoted)
    await add_people(one, 4, 6)  # never shipped
    two = set_standby(two, server="")
    assert standing_of(two).role is Role.ACTIVE
    one = set_standby(one, server=two.settings.standby.listen)
    async with shipping(two):
        await add_people(two, 7, 9)
        assert "took over" in (await meet_peer(one) or "")
        assert await meet_peer(two) is None
        async with following(one):
            await until(lambda: follows(two, one))
        assert len(list((one.path / "log").glob("directory.diverged-*"))) == 1
        assert '"lost": 3' in (one.state / "diverged.jsonl").read_text()
    assert differences(one, two) == []


@on_loop
async def test_a_standby_is_not_opened_for_writing(sites: tuple[Site, Site]) -> None:
    _, two = sites
    with pytest.raises(Failure) as caught, open_parts(two, "test"):
        pass
    assert caught.value.kind is FailureKind.NOT_ALLOWED
