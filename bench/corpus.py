"""Varied, repeatable mail for benchmarks: plain, alternative and with attachments; replies in threads; sizes
log-normal; words drawn by Zipf's law from an invented vocabulary, so that a search has common and rare words."""

import base64
import random
from collections.abc import Iterator
from email.utils import formatdate

BEGINNING = 1_690_000_000
_SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "hal",
    "jin",
    "kor",
    "lem",
    "mun",
    "nas",
    "pre",
    "qui",
    "rol",
    "sta",
    "tev",
    "vox",
    "wim",
    "yar",
    "zed",
]


class Writer:
    """Writes messages with one seed; the same ones every time."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        words = {"".join(self._random.choices(_SYLLABLES, k=self._random.randint(1, 4))) for _ in range(12000)}
        self._words = sorted(words)
        self._random.shuffle(self._words)
        weights = [1 / (rank + 2) for rank in range(len(self._words))]
        self._sums = [0.0]
        for weight in weights:
            self._sums.append(self._sums[-1] + weight)
        self._sums.pop(0)
        self._threads: list[tuple[str, list[str]]] = []

    def words(self, count: int) -> list[str]:
        return self._random.choices(self._words, cum_weights=self._sums, k=count)

    def _text(self, words: int) -> str:
        drawn = self.words(words)
        return "\r\n".join(" ".join(drawn[at : at + 11]) for at in range(0, len(drawn), 11))

    def _thread(self, message_id: str) -> tuple[str, list[str]]:
        if self._threads and self._random.random() < 0.5:
            back = min(len(self._threads), 1 + int(self._random.expovariate(1 / 40)))
            subject, references = self._threads[-back]
            subject = f"Re: {subject.removeprefix('Re: ')}"
        else:
            subject, references = " ".join(self.words(self._random.randint(2, 7))).capitalize(), []
        self._threads.append((subject, [*references, message_id][-15:]))
        return subject, references

    def message(self, number: int) -> bytes:
        """The next message; `number` counts from 0."""
        rng = self._random
        sender, when = rng.randrange(500), formatdate(BEGINNING + number * 61)
        host = f"org{sender % 50}.test"
        message_id = f"<{number}.{rng.getrandbits(40):x}@{host}>"
        subject, references = self._thread(message_id)
        head = [
            f"Received: from out.{host} (out.{host} [198.51.100.{sender % 250 + 1}])\r\n\tby mx.example.test with ESMTPS;"
            f" {when}",
            f"DKIM-Signature: v=1; a=rsa-sha256; d={host}; s=k1; h=from:to:subject;\r\n\tb="
            + base64.b64encode(rng.randbytes(128)).decode(),
            f"From: {self._words[sender].title()} <user{sender}@{host}>",
            "To: u1@example.test",
            f"Subject: {subject}",
            f"Date: {when}",
            f"Message-ID: {message_id}",
        ]
        if references:
            head += [f"In-Reply-To: {references[-1]}", "References: " + "\r\n ".join(references)]
        head.append("MIME-Version: 1.0")
        text = self._text(int(min(max(rng.lognormvariate(5.3, 1.0), 20), 5000)))
        return ("\r\n".join(head) + "\r\n" + self._body(text)).encode()

    def _body(self, text: str) -> str:
        rng = self._random
        kind = rng.random()
        if kind < 0.5:
            return f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        inner = f"=_{rng.getrandbits(50):x}"
        html = "<html><body><p>" + text.replace("\r\n", "<br>\r\n") + "</p></body></html>"
        alternative = (
            f'Content-Type: multipart/alternative; boundary="{inner}"\r\n\r\n'
            f"--{inner}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
            f"--{inner}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--{inner}--\r\n"
        )
        if kind < 0.85:
            return alternative
        outer = f"=_{rng.getrandbits(50):x}"
        data = base64.encodebytes(rng.randbytes(int(min(rng.lognormvariate(9.7, 1.0), 300_000))))
        return (
            f'Content-Type: multipart/mixed; boundary="{outer}"\r\n\r\n--{outer}\r\n{alternative}'
            f'--{outer}\r\nContent-Type: application/pdf; name="{self.words(1)[0]}.pdf"\r\n'
            "Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n\r\n"
            + data.decode().replace("\n", "\r\n")
            + f"--{outer}--\r\n"
        )


def messages(count: int, seed: int = 1) -> Iterator[bytes]:
    """`count` messages with CRLF line ends."""
    writer = Writer(seed)
    return (writer.message(number) for number in range(count))
