"""mbox, Maildir and eml trees: what is written is read back, and what others write is understood."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.app.transfer import eml, maildir, mbox
from pillarbox.app.transfer.detect import source_at
from pillarbox.app.transfer.eml import EmlSource
from pillarbox.app.transfer.exporter import Format
from pillarbox.app.transfer.letter import Letter, Source, date_of, safe_level, with_crlf
from pillarbox.app.transfer.maildir import MaildirSource
from pillarbox.app.transfer.mbox import MboxSource
from pillarbox.model.email import Flag
from pillarbox.model.failure import Failure

SECOND = 1_000_000
WHEN = 1_700_000_000 * SECOND


def letters(source: Source) -> list[tuple[str, Letter]]:
    return [(place.mailbox, source.load(place)) for place in source.places()]


def header_lines() -> st.SearchStrategy[bytes]:
    return st.sampled_from([b"Subject: a", b"From: x", b"To: b\r\n folded", b"X-A: From here"])


def body_lines() -> st.SearchStrategy[bytes]:
    return st.sampled_from([b"", b"From here", b">From there", b">>From", b"text", b"From a@b 12:0", b"\xff\xe4", b"."])


@settings(max_examples=200, deadline=None)
@given(
    header=st.lists(header_lines(), min_size=1, max_size=4),
    body=st.lists(body_lines(), max_size=8),
    flags=st.integers(0, 31),
    keywords=st.frozensets(st.sampled_from(["$Forwarded", "work", "NonJunk"])),
)
def test_an_mbox_gives_back_what_was_put_in(
    header: list[bytes], body: list[bytes], flags: int, keywords: frozenset[str]
) -> None:
    letter = Letter(b"\r\n".join([*header, b"", *body, b""]), flags, keywords, WHEN)
    written = mbox.write(letter, "a@x.test")
    separator, _, rest = written.partition(b"\n")
    assert mbox.read(separator, rest) == letter


def test_an_mbox_file_is_split_where_messages_begin(tmp_path: Path) -> None:
    path = tmp_path / "Old mail.mbox"
    many = [
        Letter(b"Subject: %d\r\n\r\nFrom me\r\n\r\nFrom here 12:00 on\r\n" % n, 1, frozenset(), WHEN) for n in range(50)
    ]
    path.write_bytes(b"".join(mbox.write(letter, "a@x.test") for letter in many))
    assert letters(MboxSource(path, "")) == [("Old mail", letter) for letter in many]


@pytest.mark.parametrize("block", [1, 7, 999, 1000, 1001, 1500, 4096])
def test_messages_are_found_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    path = tmp_path / "box"
    text = b"Subject: %d\r\n\r\n" + b"x" * 90 + b"\r\n"
    many = [Letter(text % number, 0, frozenset(), WHEN) for number in range(40)]
    path.write_bytes(b"".join(mbox.write(letter, "a@x.test") for letter in many))
    monkeypatch.setattr(mbox, "_BLOCK", block)
    assert [letter for _, letter in letters(MboxSource(path, ""))] == many


def test_an_mbox_by_others_is_read(tmp_path: Path) -> None:
    path = tmp_path / "inbox"
    path.write_bytes(
        b"From MAILER-DAEMON Tue Nov 14 22:13:20 2023\nSubject: a\nStatus: RO\nX-Status: AF\n\nText\nFrom the start.\n\n"
        b"From b@x Tue Nov 14 22:13:21 2023 +0000\r\nSubject: b\r\n\r\nCRLF\r\n"
    )
    first, second = letters(MboxSource(path, "INBOX"))
    assert first == (
        "INBOX",
        Letter(
            b"Subject: a\r\n\r\nText\r\nFrom the start.\r\n",
            Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED,
            frozenset(),
            WHEN,
        ),
    )
    assert second[1].data == b"Subject: b\r\n\r\nCRLF\r\n"


def test_a_thunderbird_profile_is_a_tree_of_mbox_files(tmp_path: Path) -> None:
    (tmp_path / "Archives.sbd").mkdir()
    one = mbox.write(Letter(b"Subject: x\r\n\r\n", 0, frozenset(), WHEN), "")
    (tmp_path / "Inbox").write_bytes(one)
    (tmp_path / "Inbox.msf").write_text("index")
    (tmp_path / "Archives.sbd" / "2023").write_bytes(one)
    (tmp_path / "Empty").touch()
    assert sorted(mailbox for mailbox, _ in letters(MboxSource(tmp_path, ""))) == ["Archives/2023", "Inbox"]


def test_a_maildir_with_folders_flags_and_keywords(tmp_path: Path) -> None:
    for folder in ("", ".Sent", ".Work.Pläne".replace("ä", "&AOQ-"), "nested"):
        for part in ("cur", "new", "tmp"):
            (tmp_path / folder / part).mkdir(parents=True)
    (tmp_path / "dovecot-keywords").write_text("0 $Forwarded\n1 work\n")
    file = tmp_path / "cur" / "1700000000.M1P1.host,S=10:2,FSab"
    file.write_bytes(b"Subject: a\n\nx\n")
    os.utime(file, (WHEN // SECOND, WHEN // SECOND))
    for folder in (".Sent/cur", ".Work.Pl&AOQ-ne/cur", "nested/new"):
        (tmp_path / folder / "1.x").write_bytes(b"Subject: b\n\n")
    (tmp_path / "tmp" / "half").write_bytes(b"Subj")
    found = letters(MaildirSource(tmp_path, ""))
    assert found[0] == (
        "INBOX",
        Letter(b"Subject: a\r\n\r\nx\r\n", Flag.SEEN | Flag.FLAGGED, frozenset({"$Forwarded", "work"}), WHEN),
    )
    assert [mailbox for mailbox, _ in found] == ["INBOX", "Sent", "Work/Pläne", "nested"]


@pytest.mark.parametrize(
    ("path", "folder"), [("INBOX", ""), ("Sent", ".Sent"), ("Work/Pläne", ".Work.Pl&AOQ-ne"), ("a.b/c", ".a&AC4-b.c")]
)
def test_maildir_folder_names(path: str, folder: str) -> None:
    assert maildir.folder_name(path) == folder


def test_maildir_file_names_carry_flags_and_keywords() -> None:
    keywords = ["work"]
    letter = Letter(b"", Flag.SEEN | Flag.ANSWERED, frozenset({"work", "new"}), WHEN)
    assert maildir.file_name(letter, "7-1", keywords) == "1700000000.7-1.pillarbox:2,RSab"
    assert keywords == ["work", "new"]


def test_an_eml_tree(tmp_path: Path) -> None:
    (tmp_path / "Lists" / "python").mkdir(parents=True)
    (tmp_path / "a.eml").write_bytes(b"Date: Tue, 14 Nov 2023 22:13:20 +0000\nSubject: a\n\n")
    (tmp_path / "Lists" / "python" / "B.EML").write_bytes(b"Subject: b\n\n")
    (tmp_path / "notes.txt").write_text("no mail")
    (tmp_path / eml.FLAGS_FILE).write_text("a.eml\t\\Seen \\Draft work\n")
    found = dict(letters(EmlSource(tmp_path, "")))
    assert sorted(found) == ["INBOX", "Lists/python"]
    assert found["INBOX"] == Letter(
        b"Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nSubject: a\r\n\r\n",
        Flag.SEEN | Flag.DRAFT,
        frozenset({"work"}),
        WHEN,
    )
    assert eml.flag_words(found["INBOX"]) == "\\Seen \\Draft work"


def test_the_newest_received_field_says_when_a_letter_arrived() -> None:
    data = (
        b"Return-Path: <a@x>\r\nReceived: from a (b; c)\r\n\tby d; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        b"Received: from e by f; Mon, 13 Nov 2023 00:00:00 +0000\r\nDate: Sun, 12 Nov 2023 00:00:00 +0000\r\n\r\n"
    )
    assert date_of(data, 5) == WHEN
    assert date_of(b"Subject: none\r\n\r\nDate: Sun, 12 Nov 2023 00:00:00 +0000\r\n", 5) == 5


@pytest.mark.parametrize(
    ("data", "becomes"),
    [
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\n", b"a\r\nb\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b"", b""),
        (b"\n\n", b"\r\n\r\n"),
    ],
)
def test_line_ends_become_crlf(data: bytes, becomes: bytes) -> None:
    assert with_crlf(data) == becomes


def test_levels_are_safe_file_names() -> None:
    assert [safe_level(name) for name in ("a", "..", "", "a/b")] == ["a", "_..", "_", "a_b"]


def test_the_kind_of_a_source_is_found_out(tmp_path: Path) -> None:
    (tmp_path / "box").write_bytes(b"From a Tue Nov 14 22:13:20 2023\n\n")
    (tmp_path / "one.eml").write_bytes(b"Subject: a\n\n")
    (tmp_path / "dir" / "cur").mkdir(parents=True)
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").mkdir()
    assert isinstance(source_at(tmp_path / "box", None, ""), MboxSource)
    assert isinstance(source_at(tmp_path / "one.eml", None, ""), EmlSource)
    assert isinstance(source_at(tmp_path / "dir", None, ""), MaildirSource)
    assert isinstance(source_at(tmp_path / "text", Format.EML, ""), EmlSource)
    for name in ("text", "empty"):
        with pytest.raises(Failure, match="--format"):
            source_at(tmp_path / name, None, "")
    with pytest.raises(Failure, match="not there"):
        source_at(tmp_path / "gone", None, "")
