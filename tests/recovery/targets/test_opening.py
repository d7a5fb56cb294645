"""URLs of targets, right and wrong ones."""

from pathlib import Path

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.recovery.targets.opening import open_target, read_credentials
from pillarbox.recovery.targets.s3 import S3Target
from pillarbox.testing.targetcontract import fails

KEYS = ("access", "secret")


def test_a_directory() -> None:
    target = open_target("file:///mnt/back%20up/./x")
    assert isinstance(target, DirectoryTarget)
    assert target.label == "file:///mnt/back up/x"
    assert isinstance(open_target("file:///mnt/backup?mounted=yes"), DirectoryTarget)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("s3://bucket", "s3://bucket"),
        ("s3://bucket/some/prefix/", "s3://bucket/some/prefix"),
        ("s3://bucket/p?endpoint=https://minio.example.test:9000&region=eu", "s3://bucket/p"),
        ("s3://bucket/p?endpoint=http://127.0.0.1:9000", "s3://bucket/p"),
        ("s3://bucket/p?endpoint=http://localhost:9000", "s3://bucket/p"),
        ("s3://bucket/p?endpoint=http://[::1]:9000", "s3://bucket/p"),
    ],
)
def test_a_bucket(url: str, label: str) -> None:
    target = open_target(url, KEYS)
    assert isinstance(target, S3Target)
    assert target.label == label


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "neither file:/// nor s3://"),
        ("/mnt/backup", "neither file:/// nor s3://"),
        ("ftp://host/x", "neither file:/// nor s3://"),
        ("file://mnt/backup", "three slashes"),
        ("file:///", "names no directory"),
        ("file:backup", "names no directory"),
        ("file:///mnt?mounted=perhaps", "mounted is yes or no"),
        ("file:///mnt?colour=red", 'unknown option "colour"'),
        ("file:///mnt#x", 'it has a "#"'),
        ("file:///mnt?mounted", "bad query field"),
        ("s3:///prefix", "names no bucket"),
        ("s3://bucket/a b", "prefix has more than"),
        ("s3://bucket/../x", "prefix has more than"),
        ("s3://bucket?endpoint=minio", "endpoint is not https://host"),
        ("s3://bucket?endpoint=https://host:port", "endpoint is wrong"),
        ("s3://bucket?endpoint=http://minio.example.test", "http is for this machine itself only"),
        ("s3://bucket?end=https://x", 'unknown option "end"'),
    ],
)
def test_what_is_wrong_is_said(url: str, why: str) -> None:
    failure = fails(FailureKind.INVALID, lambda: open_target(url, KEYS))
    assert why in failure.public and url in failure.public


def test_keys_are_never_shown() -> None:
    assert "hidden" not in fails(FailureKind.INVALID, lambda: open_target("s3://me:hidden@bucket", None)).public


def test_keys_may_come_from_the_environment() -> None:
    url = "s3://bucket?endpoint=https://minio.example.test"
    assert "AWS_ACCESS_KEY_ID" in fails(FailureKind.INVALID, lambda: open_target(url, None, {})).public
    assert isinstance(open_target(url, None, {"AWS_ACCESS_KEY_ID": "x"}), S3Target)


def test_a_file_with_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("access\nsecret\n")
    assert read_credentials(path) == KEYS
    path.write_text("access\n")
    assert "two lines" in fails(FailureKind.INVALID, lambda: read_credentials(path)).public
    assert "cannot be read" in fails(FailureKind.INVALID, lambda: read_credentials(tmp_path / "none")).public
