"""What is kept of a letter when it arrives."""

import mmap
from pathlib import Path

from pillarbox.mime.bodystructure import bodystructure
from pillarbox.mime.envelope import envelope
from pillarbox.mime.header import Header
from pillarbox.mime.message import parse
from pillarbox.mime.prepared import prepare, references
from pillarbox.testing.letters import letters

LETTER = (
    "Received: from x by y; date\r\nFrom: =?utf-8?q?J=C3=B6rg?= <J@B.test>\r\nTo: A <a@b.test>, c@d.test\r\n"
    "Subject: Re: [list] =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n an alle\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n"
    "Message-ID: <m@b.test>\r\nIn-Reply-To: <p@b.test>\r\nReferences: <g@b.test>\r\n <o@b.test>\r\n"
    "DKIM-Signature: v=1\r\nList-Id: <l.b.test>\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHallo,\r\nÄpfel!\r\n"
).encode()


def test_a_letter() -> None:
    found = prepare(LETTER)
    assert found.size == len(LETTER)
    assert LETTER[found.header_size :] == "Hallo,\r\nÄpfel!\r\n".encode()
    assert found.envelope == envelope(parse(LETTER))
    assert found.body == bodystructure(parse(LETTER), False)
    assert found.bodystructure == bodystructure(parse(LETTER), True)
    assert found.subject == "Re: [list] Grüße an alle"
    assert found.base_subject == "Grüße an alle"
    assert found.message_id == b"<m@b.test>"
    assert found.references == (b"<g@b.test>", b"<o@b.test>", b"<p@b.test>")
    assert found.sent_at == 1_700_000_000_000_000
    assert found.from_ == "jörg <j@b.test>"
    assert found.to == "a <a@b.test>, c@d.test"
    assert found.cc == ""
    assert found.preview == "Hallo, Äpfel!"
    assert found.has_attachment is False


def test_the_kept_fields_are_exact_and_in_order() -> None:
    start, end = LETTER.index(b"From:"), LETTER.index(b"DKIM-")
    assert prepare(LETTER).fields == LETTER[start:end] + (
        b"List-Id: <l.b.test>\r\nContent-Type: text/plain; charset=utf-8\r\n"
    )


def test_nothing_at_all() -> None:
    found = prepare(b"")
    assert (found.size, found.header_size, found.fields, found.message_id, found.references) == (
        0,
        0,
        b"",
        b"",
        (),
    )
    assert found.sent_at is None
    assert found.subject == found.preview == found.from_ == ""


def test_references_are_bounded_and_single() -> None:
    many = b" ".join(b"<%d@x>" % n for n in range(1000))
    found = references(Header([(b"", b"References", many), (b"", b"In-Reply-To", b"<999@x>")]))
    assert len(found) == 100
    assert (found[0], found[1], found[-1]) == (b"<0@x>", b"<901@x>", b"<999@x>")
    assert references(Header([(b"", b"In-Reply-To", b"your mail <a@x> of today <b@x>")])) == (b"<a@x>",)


def test_an_unusual_message_id_is_kept() -> None:
    assert prepare(b"Message-ID: no brackets\r\n\r\n").message_id == b"no brackets"


def test_a_mapped_file_gives_the_same(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    for letter in letters(20, seed=11):
        path.write_bytes(letter)
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            assert prepare(mapped) == prepare(letter)
