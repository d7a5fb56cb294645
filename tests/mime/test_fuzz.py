"""Invariant: whatever the bytes, a letter is prepared without an error, its offsets are nested, its bytes exact, and
ENVELOPE, BODY and BODYSTRUCTURE are valid IMAP that agrees with the sections that can be fetched."""

import random

import pytest

from pillarbox.mime import part as parts
from pillarbox.mime.header import select_fields
from pillarbox.mime.message import Message, Part, parse
from pillarbox.mime.part import What, section
from pillarbox.mime.prepared import prepare
from pillarbox.testing.imaplist import check_body, check_envelope, read_list
from pillarbox.testing.letters import damaged, letters

ROUNDS = 4
LETTERS = 150


def check_tree(message: Message, part: Part, path: tuple[int, ...], root: bool) -> None:
    """Every part is found under its number, and its pieces join to what they are pieces of."""
    data = message.data
    if root:
        whole = section(message, path, What.WHOLE)
        head, text = section(message, path, What.HEADER), section(message, path, What.TEXT)
        assert whole is not None and head is not None and text is not None
        assert data[slice(*head)] + data[slice(*text)] == data[slice(*whole)]
    children = part.children or ([part] if root else [])
    for number, child in enumerate(children, 1):
        at = (*path, number)
        assert section(message, at, What.WHOLE) == (child.body_start, child.end)
        assert section(message, at, What.MIME) == (child.header_start, child.body_start)
        if child.message is not None:
            check_tree(message, child.message.root, at, root=True)
        elif child is not part:
            check_tree(message, child, at, root=False)
    assert section(message, (*path, len(children) + 1), What.WHOLE) is None


def check_letter(data: bytes) -> None:
    found = prepare(data)
    check_envelope(read_list(found.envelope))
    check_body(read_list(found.body), extended=False)
    check_body(read_list(found.bodystructure), extended=True)
    for text in (found.subject, found.base_subject, found.from_, found.to, found.cc, found.preview):
        text.encode("utf-8")
        assert "\0" not in text and "\n" not in text
    assert len(found.preview) <= 256
    assert b"\n\r\n" not in found.fields
    assert all(line in data for line in found.fields.splitlines(keepends=True))
    message = parse(data)
    check_tree(message, message.root, (), root=True)
    header = data[: message.root.body_start]
    kept = select_fields(header, frozenset({b"SUBJECT", b"TO"}), True)
    others = select_fields(header, frozenset({b"SUBJECT", b"TO"}), False)
    assert kept.endswith(b"\n") and others.endswith(b"\n")
    for leaf in (parts.find(message, ()) and message.root.children) or [message.root]:
        parts.text(message, leaf).encode("utf-8")
        parts.filename(leaf)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_damaged_letters(seed: int) -> None:
    rng = random.Random(seed)
    for letter in letters(LETTERS, seed=100 + seed):
        data = damaged(letter, rng)
        try:
            check_letter(data)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {data[:2000]!r}") from error


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_letters_cut_short(seed: int) -> None:
    rng = random.Random(seed)
    for letter in letters(LETTERS // 3, seed=200 + seed):
        check_letter(letter[: rng.randrange(len(letter) + 1)])


def test_noise() -> None:
    rng = random.Random(0)
    for _ in range(300):
        check_letter(rng.randbytes(rng.randrange(200)))
        check_letter(bytes(rng.choices(b'\r\n \t:;,<>@"()\\-=?abC\0\xff', k=rng.randrange(300))))
