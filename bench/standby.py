"""What a standby costs: deliveries per second without one, with one that follows, and with answers that wait for it.

5 kB messages over 20 connections by smtp-source, one connection per message, to a server on this machine; its standby
runs on the same machine, over TLS on loopback. The modes take turns; the last lines are the medians and their ratios.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from pillarbox.testing.pair import Pair, pair
from pillarbox.testing.server import HOST, Server

MODES = ("none", "async", "sync")


def follows(two: Server) -> bool:
    rows = json.loads(two.command("standby-status", "--json", check=False) or "[]")
    return bool(rows) and all(row["lag_records"] == 0 for row in rows)


def deliver(server: Server, messages: int, connections: int, length: int) -> float:
    """Messages per second."""
    command = ["/usr/sbin/smtp-source", "-s", str(connections), "-m", str(messages), "-l", str(length)]
    command += ["-f", "sender@x.test", "-t", "alice@example.test", f"{HOST}:{server.port(25)}"]
    began = time.perf_counter()
    subprocess.run(command, check=True, timeout=600)
    return messages / (time.perf_counter() - began)


def measure(both: Pair, mode: str, arguments: argparse.Namespace) -> float:
    """One round in one mode; the server is started for it."""
    one, two = both
    one.set("standby", "listen", "" if mode == "none" else both.standby_address(one))
    one.set("standby", "mode", "sync" if mode == "sync" else "async")
    one.start()
    try:
        if mode != "none":
            while not (follows(two) and "pillarbox_standbys 1.0" in one.metrics()):
                time.sleep(0.2)
        deliver(one, 200, arguments.connections, arguments.length)
        rate = deliver(one, arguments.messages, arguments.connections, arguments.length)
        began = time.perf_counter()
        while mode != "none" and not follows(two):
            time.sleep(0.1)
        behind = f", everything applied {time.perf_counter() - began:.1f} s later" if mode != "none" else ""
        print(f"{mode:5}  {rate:6.0f}/s{behind}", flush=True)
        return rate
    finally:
        one.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--connections", type=int, default=20)
    parser.add_argument("--length", type=int, default=5000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as folder,
        pair(Path(folder), workers=arguments.workers) as both,
    ):
        both.one.set("smtp", "connections_per_client", 0)
        both.one.set("server", "log_level", "warning")
        both.two.follow()
        rates: dict[str, list[float]] = {mode: [] for mode in MODES}
        for _ in range(arguments.rounds):
            for mode in MODES:
                rates[mode].append(measure(both, mode, arguments))
        medians = {mode: statistics.median(found) for mode, found in rates.items()}
        for mode in MODES:
            print(f"{mode}: {medians[mode]:.0f}/s, {medians[mode] / medians['none']:.0%} of without a standby")


if __name__ == "__main__":
    main()
