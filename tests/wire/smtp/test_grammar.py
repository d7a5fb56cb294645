"""The grammar of paths, domains and parameters: known answers, and parse - write - parse."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.wire.smtp import grammar
from pillarbox.wire.smtp.grammar import NULL_PATH, Path, PathAndRest

PATHS = [
    ("<a@b.test>", Path("a", "b.test"), ""),
    ("<a.b+c@b.test> SIZE=3", Path("a.b+c", "b.test"), " SIZE=3"),
    ("  <a@b.test>", Path("a", "b.test"), ""),
    ("<@one.test,@two.test:a@b.test>", Path("a", "b.test"), ""),
    ('<"a b"@b.test>', Path("a b", "b.test"), ""),
    ('<"a\\"b\\\\"@b.test>', Path('a"b\\', "b.test"), ""),
    ('<""@b.test>', Path("", "b.test"), ""),
    ('<"a@b"@c.test>', Path("a@b", "c.test"), ""),
    ('<">"@c.test> X', Path(">", "c.test"), " X"),
    ("<a@[192.0.2.1]>", Path("a", "[192.0.2.1]"), ""),
    ("<a@[IPv6:2001:db8::1]>", Path("a", "[IPv6:2001:db8::1]"), ""),
    ("<dömäin@bücher.test>", Path("dömäin", "bücher.test"), ""),
    ("<a@under_score.test>", Path("a", "under_score.test"), ""),
    ("<a@localhost>", Path("a", "localhost"), ""),
    (f"<{'x' * 100}@b.test>", Path("x" * 100, "b.test"), ""),
]

NO_PATHS = [
    "", "a@b.test", "<a@b.test", "<a>", "<@b.test>", "<a@>", "<a@b..test>", "<a@-b.test>", "<a@b-.test>", "<.a@b>",
    "<a.@b>", "<a..b@c>", "<a b@c>", '<"a@b>', '<"a"b@c>', "<a@b.test>SIZE=3", "<a@[192.0.2.999]>", "<a@[IPv6:zz]>",
    "<a@[x]>", "<a@b@c>", "<a@b c>", "<<a@b>>", "<@one.test a@b>", f"<a@{'b' * 256}>", "<a\\b@c>", "<(a)@c>",
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "rest"), PATHS)
def test_paths(text: str, path: Path, rest: str) -> None:
    assert grammar.reverse_path(text) == PathAndRest(path, rest)
    assert grammar.forward_path(text) == PathAndRest(path, rest)


@pytest.mark.parametrize("text", NO_PATHS)
def test_what_is_no_path(text: str) -> None:
    assert grammar.reverse_path(text) is None
    assert grammar.forward_path(text) is None


def test_the_null_path_is_a_sender_only() -> None:
    assert grammar.reverse_path("<> SIZE=1") == PathAndRest(NULL_PATH, " SIZE=1")
    assert grammar.reverse_path("<>SIZE=1") is None
    assert grammar.forward_path("<>") is None
    assert str(NULL_PATH) == ""


def test_postmaster_without_a_domain_is_a_recipient_only() -> None:
    assert grammar.forward_path("<PostMaster> NOTIFY=NEVER") == PathAndRest(Path("PostMaster", ""), " NOTIFY=NEVER")
    assert grammar.reverse_path("<Postmaster>") is None


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_any_local_part_is_read_back_as_it_was_written(local: str) -> None:
    path = Path(local, "b.test")
    assert grammar.path(f"<{path}>") == PathAndRest(path, "")


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_path_or_none(text: str) -> None:
    for rule in (grammar.reverse_path, grammar.forward_path):
        found = rule(text)
        assert found is None or isinstance(found, PathAndRest)


def test_parameters() -> None:
    found = grammar.esmtp_parameters(" SIZE=5 body=8BITMIME SMTPUTF8")
    assert found == {"SIZE": "5", "BODY": "8BITMIME", "SMTPUTF8": ""}
    assert grammar.esmtp_parameters("") == {}
    for text in ("=5", "SIZE=", "-A=1", "SIZE=1 SIZE=1", "A=1 a=2", "A_B", "é=1"):
        assert grammar.esmtp_parameters(text) is None, text


def test_xtext() -> None:
    assert grammar.xtext_decode("a+2Bb+3Dc") == "a+b=c"
    assert grammar.xtext_decode("+C3+A9") == "é"
    for text in ("a+", "a+2", "a+ZZ", "a=b", "a b", "é", "+FF"):
        assert grammar.xtext_decode(text) is None, text


def test_sizes() -> None:
    assert grammar.size_value("0") == 0
    assert grammar.size_value("9" * 20) == int("9" * 20)
    for text in ("", "-1", "1.5", "9" * 21, "²", "٣"):
        assert grammar.size_value(text) is None, text


def test_notify_and_orcpt() -> None:
    assert grammar.notify_esmtp_value("never") == "NEVER"
    assert grammar.notify_esmtp_value("success,Failure") == "SUCCESS,FAILURE"
    for text in ("", "NEVER,SUCCESS", "SUCCESS,", "OFTEN"):
        assert grammar.notify_esmtp_value(text) is None, text
    assert grammar.original_recipient_address("rfc822;a+40b@c")
    assert grammar.original_recipient_address("utf-8;é@c")
    for text in ("", "rfc822", ";a", "rfc822;", "rfc 822;a", "rfc822;" + "a" * 500):
        assert not grammar.original_recipient_address(text), text


def test_hello_domains() -> None:
    for text in ("mx.example.test", "[192.0.2.1]", "my_pc", "DESKTOP-1 "):
        assert grammar.hello_domain(text) == text.strip()
    for text in ("", " ", "two words", "x" * 256, "é"):
        assert grammar.hello_domain(text) is None, text


def test_long_hostile_text_takes_no_time() -> None:
    for begin, again in (("<", "a-"), ("<", '"\\'), ("<@", "a,"), ("<a@", "b-"), ("<", "a."), ("<@a:@", "b,@")):
        text = begin + again * 5000
        assert grammar.path(text) is None
