"""Mail coming in: messages per second until readable over IMAP, beside Postfix -> LMTP -> Dovecot.

5 kB messages over 20 connections by smtp-source, one connection per message, each answered after it is durable:
SMTP against Postfix in front of Dovecot, LMTP against Dovecot's own. The two take turns; each round prints both
rates and their ratio, and the last line the median ratio.
"""

import argparse
import imaplib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import peers
from pillarbox.testing.server import Server, server

CONNECTIONS = 20
LENGTH = 5000


def count(port: int, user: str) -> int:
    """Messages in a user's inbox, as IMAP says."""
    with imaplib.IMAP4("127.0.0.1", port) as client:
        client.login(user, "pass")
        status = client.status("INBOX", "(MESSAGES)")[1][0]
    return int(status.split()[-1].rstrip(b")")) if status else 0


def run(port: int, imap: int, user: str, messages: int, lmtp: bool) -> float:
    """Sends and waits until all are readable; messages per second."""
    before = count(imap, user)
    began = time.perf_counter()
    command = ["smtp-source", *(["-L"] if lmtp else []), "-s", str(CONNECTIONS), "-m", str(messages)]
    command += ["-l", str(LENGTH), "-f", "sender@x.test", "-t", f"{user.split('@')[0]}@example.test"]
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True, timeout=600)
    while count(imap, user) < before + messages:
        time.sleep(0.02)
        if time.perf_counter() - began > 600:
            raise TimeoutError("not all messages arrived")
    return messages / (time.perf_counter() - began)


def compare(ours: Server, name: str, rounds: int, messages: int, peer_messages: int) -> None:
    """Rounds of one protocol, ours and the peer's in turn."""
    lmtp = name == "LMTP"
    ratios = []
    for number in range(rounds):
        mine = run(ours.port(24 if lmtp else 25), ours.port(143), "u1@example.test", messages, lmtp)
        theirs = run(peers.LMTP if lmtp else peers.SMTP, peers.IMAP, "u1", peer_messages, lmtp)
        ratios.append(mine / theirs)
        print(f"{name} round {number + 1}: Pillarbox {mine:6.0f}/s  peer {theirs:6.0f}/s  ratio {mine / theirs:5.2f}")
    print(f"{name}: median ratio {statistics.median(ratios):.2f} (min {min(ratios):.2f}, max {max(ratios):.2f})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--messages", type=int, default=6000)
    arguments = parser.parse_args()
    if lacking := peers.missing():
        sys.exit(f"bench/inbound.py needs {lacking}")
    with tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        with (
            peers.postfix_and_dovecot(path / "peers"),
            server(path / "site", people=["u1"]) as ours,
        ):
            ours.set("smtp", "connections_per_client", 0)
            ours.stop()
            ours.start()
            for port, imap, user in (
                (ours.port(25), ours.port(143), "u1@example.test"),
                (peers.SMTP, peers.IMAP, "u1"),
            ):
                run(port, imap, user, 200, lmtp=False)
            compare(ours, "SMTP", arguments.rounds, arguments.messages, arguments.messages // 4)
            compare(ours, "LMTP", arguments.rounds, arguments.messages, arguments.messages // 2)


if __name__ == "__main__":
    main()
