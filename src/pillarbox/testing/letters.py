"""Letters for tests: well-formed ones of every shape, and damaged ones, the same for the same seed."""

import base64
import random
from collections.abc import Iterator

WORDS = [
    "kalomi", "terran", "vesdu", "polgri", "sentu", "belor", "anix", "quafel", "norka", "duterves", "mipol", "ranix",
]  # fmt: skip
NAMES = ["Tu Bel", '"Bel, Or"', "=?utf-8?q?J=C3=B6rg?=", "", "Ix (Qua) Fel", "Jörg Müller"]


def text(rng: random.Random, words: int) -> str:
    chosen = [rng.choice(WORDS) for _ in range(words)]
    return "\r\n".join(" ".join(chosen[at : at + 12]) for at in range(0, words, 12))


def address(rng: random.Random) -> str:
    name = rng.choice(NAMES)
    spec = f"p{rng.randrange(99)}@corp{rng.randrange(9)}.test"
    return f"{name} <{spec}>" if name else spec


def head(rng: random.Random) -> list[str]:
    lines = [
        "Return-Path: <p1@corp1.test>",
        "Received: from mx.corp1.test (mx.corp1.test [192.0.2.1])",
        "\tby mail.example.test with ESMTPS id 4711",
        "\tfor <u1@example.test>; Tue, 14 Nov 2023 22:13:20 +0000",
        f"From: {address(rng)}",
        f"To: {', '.join(address(rng) for _ in range(rng.randint(1, 4)))}",
        f"Subject: {rng.choice(['Re: ', '', 'Fwd: [list] '])}{text(rng, rng.randint(1, 9)).strip()}",
        f"Date: Tue, {rng.randint(1, 28)} Nov 2023 22:13:20 {rng.choice(['+0000', '-0730', 'GMT', '(none)'])}",
        f"Message-ID: <{rng.getrandbits(48):x}@corp1.test>",
    ]
    if rng.random() < 0.5:
        lines.append("References: <a@b.test>\r\n <c@d.test>")
    lines.append("MIME-Version: 1.0")
    return lines


def entity(rng: random.Random, depth: int = 0) -> list[str]:
    """Content fields, an empty line, and a body, as lines."""
    kind = rng.random()
    if kind < 0.35 or depth > 3:
        return ["Content-Type: text/plain; charset=utf-8", "", text(rng, rng.randint(0, 200))]
    if kind < 0.45:
        body = "<html><body><p>" + text(rng, 40).replace("\r\n", "</p>\r\n<p>") + "</p></body></html>"
        return ["Content-Type: text/html; charset=utf-8", "Content-Transfer-Encoding: 8bit", "", body]
    if kind < 0.6:
        body = base64.encodebytes(rng.randbytes(rng.randrange(3000))).decode().replace("\n", "\r\n").rstrip()
        return [
            f'Content-Type: application/pdf; name="{rng.choice(WORDS)}.pdf"',
            "Content-Transfer-Encoding: base64",
            "Content-Disposition: attachment",
            "",
            body,
        ]
    if kind < 0.7:
        return ["Content-Type: message/rfc822", "", *head(rng), *entity(rng, depth + 1)]
    boundary = f"=_{rng.getrandbits(64):x}"
    subtype = rng.choice(["mixed", "alternative", "related"])
    lines = [f'Content-Type: multipart/{subtype}; boundary="{boundary}"', "", rng.choice(["", "preamble"])]
    for _ in range(rng.randint(1, 4)):
        lines += [f"--{boundary}", *entity(rng, depth + 1)]
    return [*lines, f"--{boundary}--", rng.choice(["", "epilogue"])]


def letters(count: int, seed: int = 1) -> Iterator[bytes]:
    """`count` well-formed letters, the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(count):
        yield "\r\n".join([*head(rng), *entity(rng), ""]).encode("utf-8")


_PIECES = [
    b"\r\n", b"\n", b"\r", b"\0", b"--", b"\n--", b'"', b"\\", b"(", b")", b"<", b">", b"@", b",", b";", b":", b"=?",
    b"?=", b"=", b"*", b"\xff", b"\xc3", b"\r\n\r\n", b"\n\n", b"Content-Type: multipart/mixed; boundary=a\r\n",
    b"Content-Type: message/rfc822\r\n\r\n", b"{3}\r\n", b" ", b"\t", b"Subject: =?x?q?=?=\r\n", b"NIL", b"%",
]  # fmt: skip


def damaged(letter: bytes, rng: random.Random) -> bytes:
    """The letter with a few cuts, repeats and foreign pieces."""
    data = bytearray(letter)
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(data) + 1)
        choice = rng.random()
        if choice < 0.5:
            data[at:at] = rng.choice(_PIECES)
        elif choice < 0.65:
            del data[at : at + rng.randrange(1, 200)]
        elif choice < 0.8:
            start = rng.randrange(len(data) + 1)
            data[at:at] = data[start : start + rng.randrange(300)]
        elif data and at < len(data):
            data[at] = rng.randrange(256)
    if rng.random() < 0.1:
        data = data.replace(b"\r\n", b"\n")
    return bytes(data)
