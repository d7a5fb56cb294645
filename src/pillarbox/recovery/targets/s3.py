"""An S3 bucket as a target, through obstore: Amazon's and any store that speaks its language.

An object is the S3 object `<prefix>/<name>`; a put is durable when it returns, so `flush` has nothing to do. Requests
that fail are tried again for a few seconds here; what outlasts that is UNAVAILABLE and the caller's to wait out.
Listing reads all names below the last `/` of the prefix before it yields the first: their order is then certain.

Raises `Failure`: NOT_FOUND, UNAVAILABLE (the network, the server), INVALID (there is no such bucket), NOT_ALLOWED (the
keys are wrong or may not do this), DISK_FULL (the store says so). Many threads may use one `S3Target`.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from obstore import exceptions
from obstore.store import S3Store

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import Stored
from pillarbox.recovery.names import valid_name

if TYPE_CHECKING:
    from obstore.store import S3Config

_TIMEOUT = timedelta(seconds=60)
_CONNECT_TIMEOUT = timedelta(seconds=5)
_RETRY_SECONDS = timedelta(seconds=10)
_RETRIES = 3
_WHOLE = 256 << 20
"""Octets above which an object goes up in several requests."""

_FULL = ("QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507")
_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "401 Unauthorized", "403 Forbidden")
_ERRORS = (exceptions.BaseError, OSError, ValueError)


class Bucket(NamedTuple):
    """Where and as whom. `endpoint` empty: Amazon's for `region`. `credentials` None: those of the environment."""

    name: str
    prefix: str
    endpoint: str
    region: str
    credentials: tuple[str, str] | None


class S3Target:
    """See `model.recovery.Target`."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        config: S3Config = {"region": bucket.region}
        if bucket.endpoint:
            config["endpoint"] = bucket.endpoint
        if bucket.credentials:
            config["access_key_id"], config["secret_access_key"] = bucket.credentials
        self._store = S3Store(
            bucket.name,
            prefix=bucket.prefix or None,
            config=config,
            client_options={
                "allow_http": bucket.endpoint.startswith("http:"),
                "timeout": _TIMEOUT,
                "connect_timeout": _CONNECT_TIMEOUT,
            },
            retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_SECONDS},
        )

    @property
    def label(self) -> str:
        return f"s3://{self._bucket.name}/{self._bucket.prefix}".rstrip("/")

    def put(self, name: str, data: bytes) -> None:
        self._check(name)
        try:
            self._store.put(name, data, use_multipart=len(data) > _WHOLE)
        except _ERRORS as error:
            raise self._failure(error) from error

    def flush(self) -> None:
        return

    def get(self, name: str) -> bytes:
        self._check(name)
        try:
            return bytes(self._store.get(name).bytes())
        except _ERRORS as error:
            if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
                raise Failure(FailureKind.NOT_FOUND, f"{name} is not at {self.label}", error) from error
            raise self._failure(error) from error

    def list(self, prefix: str) -> Iterator[Stored]:
        # The store matches whole parts of a name only, so ask for those and choose here.
        folder = prefix.rpartition("/")[0]
        try:
            found = [
                Stored(meta["path"], meta["size"])
                for page in self._store.list(prefix=folder or None, chunk_size=1000)
                for meta in page
                if meta["path"].startswith(prefix) and valid_name(meta["path"])
            ]
        except _ERRORS as error:
            raise self._failure(error) from error
        return iter(sorted(found))

    def delete(self, name: str) -> None:
        self._check(name)
        try:
            self._store.delete(name)
        except _ERRORS as error:
            if isinstance(error, FileNotFoundError) and "NoSuchBucket" not in str(error):
                return
            raise self._failure(error) from error

    def _check(self, name: str) -> None:
        if not valid_name(name):
            raise Failure(FailureKind.INVALID, f"{name!r} is not a name for an object")

    def _failure(self, error: Exception) -> Failure:
        text = str(error)
        if "NoSuchBucket" in text:
            return Failure(FailureKind.INVALID, f"there is no bucket {self._bucket.name}", error)
        if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError) or any(
            word in text for word in _REFUSED
        ):
            return Failure(FailureKind.NOT_ALLOWED, f"{self.label}: the keys are wrong or may not do this", error)
        if any(word in text for word in _FULL):
            return Failure(FailureKind.DISK_FULL, f"no room is left at {self.label}", error)
        return Failure(FailureKind.UNAVAILABLE, f"{self.label} cannot be reached or refuses", error)
