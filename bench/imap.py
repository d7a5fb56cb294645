"""IMAP on a mailbox of varied messages, beside Dovecot's: the time of each command, and the ratio (below 1: faster).

Both servers get the same messages by APPEND. The two take turns, command by command; the first round warms them and
does not count; printed are the medians in milliseconds and the median ratio. `--only` takes those whose name
matches.
"""

import argparse
import re
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import corpus
import peers
from pillarbox.testing.server import server

SOME = 1000
BODIES = 2000
ALONE = 200
_WORD = re.compile(rb"\b[a-z]{4,}\b")


class Client:
    """A plain connection: sends, and reads up to the tagged answer."""

    def __init__(self, port: int, user: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.recv(65536)
        self._count = 0
        self.run(f"LOGIN {user} pass")

    def run(self, command: str) -> bytes:
        """One command; what was answered."""
        return self.send([command.encode() + b"\r\n"])

    def send(self, commands: list[bytes]) -> bytes:
        """Commands without their tags, sent at once; what was answered up to the end of the last."""
        first = self._count
        self._count += len(commands)
        tagged = b"".join([b"t%d %b" % (first + number, text) for number, text in enumerate(commands, 1)])
        last = b"t%d " % self._count
        self._socket.sendall(tagged)
        pieces: list[bytes] = []
        tail = b""
        while True:
            piece = self._socket.recv(262_144)
            if not piece:
                raise ConnectionError(f"closed after {commands[-1][:60]!r}")
            pieces.append(piece)
            tail = (tail + piece)[-8192:]
            if (tail.endswith(b"\r\n") and (at := tail.rfind(b"\n" + last)) >= 0) or tail.startswith(last):
                answer = b"".join(pieces)
                at = answer.rfind(last)
                if not answer.startswith(last + b"OK", at):
                    raise RuntimeError(f"{commands[-1][:80]!r}: {answer[at : at + 200]!r}")
                return answer

    def append(self, mailbox: str, messages: list[bytes]) -> None:
        """Messages, all at once, without waiting in between."""
        self.send([b"APPEND %b {%d+}\r\n%b\r\n" % (mailbox.encode(), len(one), one) for one in messages])


Test = Callable[[Client], float]


def timed(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def command(text: str) -> Test:
    """A command on the inbox, open."""
    return lambda client: timed(lambda: client.run(text))


def changed(text: str) -> Test:
    """The same after something changed: what a server remembers of the last time no longer holds."""

    def test(client: Client) -> float:
        client.run("STORE 1 +FLAGS.SILENT (\\Answered)")
        client.run("STORE 1 -FLAGS.SILENT (\\Answered)")
        return timed(lambda: client.run(text))

    return test


def qresync(client: Client) -> float:
    """EXAMINE of the inbox by one who knows all of it."""
    client.run("ENABLE QRESYNC")
    answer = client.run("SELECT INBOX").decode()
    client.run("SELECT Scratch")
    known = [re.search(rf"{word} (\d+)", answer) for word in ("UIDVALIDITY", "HIGHESTMODSEQ")]
    values = " ".join([found[1] for found in known if found])
    return timed(lambda: client.run(f"EXAMINE INBOX (QRESYNC ({values}))"))


def select(client: Client) -> float:
    client.run("SELECT Scratch")
    return timed(lambda: client.run("SELECT INBOX"))


def store(client: Client) -> float:
    taken = timed(lambda: client.run(f"STORE 1:{SOME} +FLAGS (\\Flagged)"))
    client.run(f"STORE 1:{SOME} -FLAGS.SILENT (\\Flagged)")
    return taken


def empty(client: Client, mailbox: str) -> float:
    """Removes all of a mailbox: the time of EXPUNGE."""
    client.run(f"SELECT {mailbox}")
    client.run("STORE 1:* +FLAGS.SILENT (\\Deleted)")
    taken = timed(lambda: client.run("EXPUNGE"))
    client.run("SELECT INBOX")
    return taken


def copy(client: Client) -> float:
    taken = timed(lambda: client.run(f"COPY 1:{SOME} Scratch"))
    empty(client, "Scratch")
    return taken


def move(client: Client) -> float:
    client.run(f"COPY 1:{SOME} Scratch")
    client.run("SELECT Scratch")
    taken = timed(lambda: client.run("MOVE 1:* Moved"))
    empty(client, "Moved")
    return taken


def expunge(client: Client) -> float:
    client.run(f"COPY 1:{SOME} Scratch")
    return empty(client, "Scratch")


def append_pipelined(messages: list[bytes]) -> Test:
    def test(client: Client) -> float:
        taken = timed(lambda: client.append("Scratch", messages))
        empty(client, "Scratch")
        return taken

    return test


def each_alone(client: Client, messages: list[bytes]) -> None:
    for one in messages:
        client.append("Scratch", [one])


def append_alone(messages: list[bytes]) -> Test:
    def test(client: Client) -> float:
        taken = timed(lambda: each_alone(client, messages))
        empty(client, "Scratch")
        return taken

    return test


def rare_word(messages: list[bytes]) -> str:
    """A word that few messages have."""
    counts = Counter(word for message in messages for word in set(_WORD.findall(message)))
    _, word = min((count, word) for word, count in counts.items() if count > 1 and len(word) > 6)
    return str(word, "ascii")


def tests(messages: list[bytes]) -> dict[str, Test]:
    rare = rare_word(messages)
    return {
        "SELECT": select,
        "FETCH (UID FLAGS)": command("FETCH 1:* (UID FLAGS)"),
        "FETCH ENVELOPE": command("FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"),
        "FETCH BODYSTRUCTURE": command("FETCH 1:* (BODYSTRUCTURE)"),
        "FETCH HEADER.FIELDS": command("FETCH 1:* BODY.PEEK[HEADER.FIELDS (From To Subject Date)]"),
        "FETCH other HEADER.FIELDS": command("FETCH 1:* BODY.PEEK[HEADER.FIELDS (Received DKIM-Signature)]"),
        "FETCH whole bodies": command(f"FETCH 1:{BODIES} BODY.PEEK[]"),
        "STORE": store,
        "COPY": copy,
        "MOVE": move,
        "EXPUNGE": expunge,
        "SEARCH UNSEEN": command("SEARCH UNSEEN"),
        "SEARCH SINCE": command("SEARCH SENTSINCE 1-Aug-2023"),
        "SEARCH FROM": command("SEARCH FROM user77@"),
        "SEARCH HEADER": command("SEARCH HEADER Message-ID 77."),
        "SEARCH LARGER": command("SEARCH LARGER 20000"),
        "SEARCH TEXT": command(f"SEARCH TEXT {rare}"),
        "SEARCH BODY": command(f"SEARCH BODY {rare}"),
        "SORT (REVERSE DATE)": command("SORT (REVERSE DATE) UTF-8 ALL"),
        "SORT (SUBJECT)": command("SORT (SUBJECT) UTF-8 ALL"),
        "SORT (FROM)": command("SORT (FROM) UTF-8 ALL"),
        "THREAD REFERENCES": command("THREAD REFERENCES UTF-8 ALL"),
        "THREAD REFS": command("THREAD REFS UTF-8 ALL"),
        "SORT (SUBJECT), changed": changed("SORT (SUBJECT) UTF-8 ALL"),
        "SORT (FROM), changed": changed("SORT (FROM) UTF-8 ALL"),
        "THREAD REFERENCES, changed": changed("THREAD REFERENCES UTF-8 ALL"),
        "THREAD REFS, changed": changed("THREAD REFS UTF-8 ALL"),
        "APPEND pipelined": append_pipelined(messages[:SOME]),
        "APPEND one at a time": append_alone(messages[:ALONE]),
        "EXAMINE QRESYNC": qresync,  # last: QRESYNC stays on
    }


def fill(client: Client, messages: list[bytes]) -> None:
    for mailbox in ("Scratch", "Moved"):
        client.run(f"CREATE {mailbox}")
    for at in range(0, len(messages), 100):
        client.append("INBOX", messages[at : at + 100])
    client.run("SELECT INBOX")
    client.run(f"STORE {','.join(map(str, range(1, len(messages) + 1, 3)))} +FLAGS.SILENT (\\Seen)")


def measure(name: str, test: Test, ours: Client, theirs: Client, rounds: int) -> None:
    test(ours)
    test(theirs)
    pairs = [(test(ours), test(theirs)) for _ in range(rounds)]
    mine, peers_own = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    ratio = statistics.median([one / other for one, other in pairs])
    print(f"{name:27} Pillarbox {mine:9.1f} ms   Dovecot {peers_own:9.1f} ms   ratio {ratio:6.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="a regular expression")
    arguments = parser.parse_args()
    if lacking := peers.missing():
        sys.exit(f"bench/imap.py needs {lacking}")
    messages = list(corpus.messages(arguments.messages))
    with tempfile.TemporaryDirectory(prefix="pillarbox-bench-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        with peers.postfix_and_dovecot(path / "peers"), server(path / "site", people=["u1"]) as site:
            ours, theirs = Client(site.port(143), "u1@example.test"), Client(peers.IMAP, "u1")
            for name, client in (("Pillarbox", ours), ("Dovecot", theirs)):
                began = time.perf_counter()
                fill(client, messages)
                print(f"{name} takes {len(messages)} messages in {time.perf_counter() - began:.1f} s", flush=True)
            for name, test in tests(messages).items():
                if re.search(arguments.only, name, re.IGNORECASE):
                    measure(name, test, ours, theirs, arguments.rounds)


if __name__ == "__main__":
    main()
