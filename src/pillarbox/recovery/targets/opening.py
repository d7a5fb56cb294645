"""From the URL in the settings to a target.

    file:///mnt/backup                      a directory, which must be there
    file:///mnt/backup?mounted=yes          the same, and something must be mounted there
    s3://bucket/prefix                      Amazon's S3; keys as given, else from the environment
    s3://bucket/prefix?endpoint=https://host:port&region=eu      another store; http only on this machine

Nothing is touched or asked over the network yet. Raises `Failure` INVALID, one sentence that names the URL; no key is
ever part of a URL or of a sentence.
"""

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from obstore.exceptions import BaseError

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Target
from pillarbox.recovery.names import valid_name
from pillarbox.recovery.targets.directory import DirectoryTarget
from pillarbox.recovery.targets.s3 import Bucket, S3Target

_REGION = "us-east-1"
_KEY_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE")
_YES_NO = {"yes": True, "no": False}


def open_target(
    url: str, credentials: tuple[str, str] | None = None, environment: Mapping[str, str] = os.environ
) -> Target:
    """The target at `url`; `credentials` are the access key and secret key for S3."""
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)) if parts.query else {}
    except ValueError as error:
        raise _invalid(url, str(error)) from error
    if parts.fragment:
        raise _invalid(url, 'it has a "#"')
    if parts.scheme == "file":
        return _open_directory(url, parts, options)
    if parts.scheme == "s3":
        return _open_bucket(url, parts, options, credentials, environment)
    raise _invalid(url, "it begins with neither file:/// nor s3://")


def read_credentials(path: Path) -> tuple[str, str]:
    """The access key and the secret key, the two lines of a file."""
    try:
        lines = path.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(FailureKind.INVALID, f"{path} with the keys for S3 cannot be read", error) from error
    if len(lines) != 2:
        raise Failure(FailureKind.INVALID, f"{path} must have two lines, the access key and the secret key")
    return lines[0], lines[1]


def _open_directory(url: str, parts: SplitResult, options: dict[str, str]) -> Target:
    if parts.netloc not in ("", "localhost"):
        raise _invalid(url, "a directory is written with three slashes: file:///mnt/backup")
    path = Path(unquote(parts.path))
    if not path.is_absolute() or path == Path("/"):
        raise _invalid(url, "it names no directory")
    mounted = _YES_NO.get(options.pop("mounted", "no"))
    if mounted is None:
        raise _invalid(url, "mounted is yes or no")
    _refuse_rest(url, options)
    return DirectoryTarget(Path(os.path.normpath(path)), elsewhere=mounted)


def _open_bucket(
    url: str,
    parts: SplitResult,
    options: dict[str, str],
    credentials: tuple[str, str] | None,
    environment: Mapping[str, str],
) -> Target:
    if "@" in parts.netloc:
        raise Failure(FailureKind.INVALID, "keys do not belong in an s3:// URL: use [backup] s3_credentials")
    prefix = unquote(parts.path).strip("/")
    if not parts.netloc:
        raise _invalid(url, "it names no bucket")
    if prefix and not valid_name(prefix):
        raise _invalid(url, "its prefix has more than letters, digits and ._-")
    endpoint = options.pop("endpoint", "")
    region = options.pop("region", _REGION)
    _refuse_rest(url, options)
    if endpoint:
        _check_endpoint(url, endpoint)
        if credentials is None and not any(environment.get(name) for name in _KEY_VARIABLES):
            raise _invalid(url, "its keys are neither in [backup] s3_credentials nor in AWS_ACCESS_KEY_ID")
    try:
        return S3Target(Bucket(parts.netloc, prefix, endpoint, region, credentials))
    except (BaseError, ValueError) as error:
        raise _invalid(url, "the store does not take it", error) from error


def _check_endpoint(url: str, endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise _invalid(url, f"its endpoint is wrong: {error}") from error
    if parts.scheme not in ("http", "https") or not host or parts.username:
        raise _invalid(url, "its endpoint is not https://host or https://host:port")
    if parts.scheme == "http" and not _is_loopback(host):
        raise _invalid(url, "http is for this machine itself only; use https")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_rest(url: str, options: dict[str, str]) -> None:
    for name in options:
        raise _invalid(url, f'it has an unknown option "{name}"')


def _invalid(url: str, why: str, cause: Exception | None = None) -> Failure:
    return Failure(FailureKind.INVALID, f'"{url}" is not a place for backups: {why}', cause)
