"""What the first transport takes from whom, where it puts it, and what it answers."""

import mmap
import re
from typing import Any

import pytest

from pillarbox.base.failure import FailureKind
from pillarbox.model.content import Body
from pillarbox.model.failure import Failure
from pillarbox.model.transaction import MailFrom, Origin

LETTER = b"Message-ID: <1@example.org>\r\nSubject: hello\r\n\r\nHello.\r\n"
FULL = Failure(FailureKind.DISK_FULL, "no room")


def outside() -> Origin:
    return Origin("192.0.2.1", "client.example.org", "ESMTP", None, "session1")


class refused:
    """A failure of this kind with this sentence."""

    def __init__(self, kind: FailureKind, sentence: str) -> None:
        self._raises = pytest.raises(Failure, match=re.escape(sentence))
        self._kind = kind

    def __enter__(self) -> None:
        self._raised = self._raises.__enter__()

    def __exit__(self, *what: Any) -> Any:
        caught = self._raises.__exit__(*what)
        assert self._raised.value.kind is self._kind
        return caught


class TestSenders:
    def check(self, town: Any, reverse_path: str, sender: Any) -> None:
        town.run(town.intake.check_sender(MailFrom(reverse_path), outside()._replace(sender=sender)))

    def test_from_outside_anybody(self, town: Any) -> None:
        for reverse_path in ("", "anybody@example.org", "alice@example.test"):
            self.check(town, reverse_path, None)

    def test_our_people_under_addresses_that_lead_to_them(self, town: Any) -> None:
        alice = town.person("alice")
        town.run(town.directory.add_alias("sales@example.test", "alice@example.test"))
        for reverse_path in ("", "Alice@example.test", "sales@example.test", "alice+news@example.test"):
            self.check(town, reverse_path, alice)

    def test_our_people_not_as_others(self, town: Any) -> None:
        alice, _ = town.person("alice"), town.person("bob")
        town.group("all", "alice@example.test", "bob@example.test")
        town.group("abroad", "alice@example.test", "x@example.org")
        for name in ("bob@example.test", "all@example.test", "abroad@example.test", "nobody@example.test", "x@y.org"):
            with refused(FailureKind.NOT_ALLOWED, f"alice@example.test may not send as {name}, which is not theirs"):
                self.check(town, name, alice)


class TestRecipients:
    def test_a_person(self, town: Any) -> None:
        alice = town.person("alice")
        addressee = town.rcpt("Alice+x@example.test")
        assert addressee.address == "Alice+x@example.test"
        assert [(r.person, r.detail) for r in addressee.recipients] == [(alice, "x")]

    def test_nobody(self, town: Any) -> None:
        with refused(FailureKind.NOT_FOUND, "There is nobody at bob@example.test"):
            town.rcpt("bob@example.test")

    def test_others_are_not_relayed_to(self, town: Any) -> None:
        alice = town.person("alice")
        with refused(FailureKind.RELAY_DENIED, "Relaying denied"):
            town.rcpt("x@example.org")
        with refused(FailureKind.RELAY_DENIED, "Mail to other servers is not available on this server yet"):
            town.rcpt("x@example.org", sender=alice)

    def test_what_leads_abroad_is_refused_as_a_whole(self, town: Any) -> None:
        town.person("alice")
        town.group("all", "alice@example.test", "x@example.org")
        town.run(town.directory.add_alias("x@example.test", "x@example.org"))
        for address in ("all@example.test", "x@example.test"):
            with refused(FailureKind.RELAY_DENIED, f"{address} leads to other servers"):
                town.rcpt(address)

    def test_switched_off(self, town: Any) -> None:
        town.person("alice")
        town.run(town.directory.set_enabled("alice@example.test", False))
        with refused(FailureKind.DISABLED, "alice@example.test does not take mail"):
            town.rcpt("alice@example.test")

    def test_circles(self, town: Any) -> None:
        town.directory.alias_targets = {"a@example.test": "b@example.test", "b@example.test": "a@example.test"}
        with refused(FailureKind.LOOP, "circles"):
            town.rcpt("a@example.test")

    def test_a_database_that_is_not_open(self, town: Any) -> None:
        town.person("alice", "three")
        town.person("bob")
        town.group("all", "alice@example.test", "bob@example.test")
        for address in ("alice@example.test", "all@example.test"):
            with refused(FailureKind.UNAVAILABLE, "not open"):
                town.rcpt(address)

    def test_a_full_mailbox_is_told_before_the_message_is_sent(self, town: Any) -> None:
        town.person("alice", octets=1000)
        town.person("bob", messages=1)
        town.rcpt("alice@example.test", MailFrom("", size=1000))
        with refused(FailureKind.OVER_QUOTA, "The mailbox of alice@example.test is full"):
            town.rcpt("alice@example.test", MailFrom("", size=1001))
        assert town.send("bob@example.test") == [None]
        with refused(FailureKind.OVER_QUOTA, "The mailbox of bob@example.test is full"):
            town.rcpt("bob@example.test")


class TestDelivery:
    def test_the_trace_stands_before_the_message(self, town: Any) -> None:
        alice = town.person("alice")
        assert town.send("Alice@example.test") == [None]
        (letter,) = town.letters(alice)
        trace, rest = letter[: -len(LETTER)], letter[-len(LETTER) :]
        assert rest == LETTER
        assert re.fullmatch(
            rb"Return-Path: <x@example\.org>\r\n"
            rb"Delivered-To: Alice@example\.test\r\n"
            rb"Received: from client\.example\.org \(\[192\.0\.2\.1\]\) \(using TLSv1\.3 TLS_AES_256_GCM_SHA384\) "
            rb"by mail\.example\.test with ESMTPS id session1\.\w{6} for <Alice@example\.test>; "
            rb"Tue, 14 Nov 2023 22:13:20 \+0000\r\n",
            trace.replace(b"\r\n\t", b" "),
        )

    def test_the_null_sender(self, town: Any) -> None:
        alice = town.person("alice")
        town.send("alice@example.test", reverse_path="")
        assert town.letters(alice)[0].startswith(b"Return-Path: <>\r\n")

    def test_each_recipient_sees_only_their_own_address(self, town: Any) -> None:
        people = [town.person("alice"), town.person("bob", "two")]
        assert town.send("alice@example.test", "bob@example.test") == [None, None]
        for person in people:
            (letter,) = town.letters(person)
            assert re.findall(rb"\w+@example\.test", letter) == [person.address.encode()]

    def test_each_person_gets_one_copy(self, town: Any) -> None:
        alice = town.person("alice")
        town.group("all", "alice@example.test")
        assert town.send("alice@example.test", "all@example.test", "alice+x@example.test") == [None] * 3
        assert len(town.letters(alice)) == 1

    def test_one_commit_for_one_database(self, town: Any) -> None:
        for name in ("alice", "bob", "carol"):
            town.person(name)
        town.send("alice@example.test", "bob@example.test", "carol@example.test")
        assert (town.stores["one"].deliveries, town.stores["two"].deliveries) == (1, 0)

    def test_a_detail_names_a_mailbox(self, town: Any) -> None:
        alice = town.person("alice")
        town.send("alice@example.test")
        town.run(town.stores["one"].create_mailbox(alice.account, "news"))
        town.send("alice+news@example.test")
        town.send("alice+none@example.test")
        assert (len(town.letters(alice)), len(town.letters(alice, "news"))) == (2, 1)

    def test_a_large_message_from_a_spool(self, town: Any) -> None:
        alice = town.person("alice")
        data = LETTER + b"x" * 76 * 5000 + b"\r\n"
        with mmap.mmap(-1, len(data)) as spool:
            spool.write(data)
            assert town.send("alice@example.test", data=spool) == [None]
        assert town.letters(alice)[0].endswith(data)

    def test_too_large(self, town: Any) -> None:
        town.person("alice")

        class Huge(bytes):
            def __len__(self) -> int:
                return 100_000_001

        with refused(FailureKind.TOO_LARGE, "100000000 octets"):
            town.send("alice@example.test", data=Huge())


class TestLoops:
    def test_too_many_hops_refuse_the_message(self, town: Any) -> None:
        alice = town.person("alice")
        hop = b"Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\n"
        assert town.send("alice@example.test", data=hop * 5 + LETTER) == [None]
        with refused(FailureKind.LOOP, "6 servers"):
            town.send("alice@example.test", data=hop * 6 + LETTER)
        assert town.send("alice@example.test", data=LETTER + hop * 9) == [None]
        assert len(town.letters(alice)) == 2

    def test_a_message_that_comes_back_to_the_same_address_is_refused_for_that_one(self, town: Any) -> None:
        alice, bob = town.person("alice"), town.person("bob")
        town.send("alice@example.test")
        (letter,) = town.letters(alice)
        kept, loop = town.send("bob@example.test", "ALICE@example.test", data=letter)
        assert kept is None
        assert loop is not None
        assert (loop.kind, loop.temporary) == (FailureKind.LOOP, False)
        assert (len(town.letters(alice)), len(town.letters(bob))) == (1, 1)


class TestWhenNotAllCanHaveIt:
    """SMTP has one answer: the client sends the whole message again, and nobody may get it twice."""

    def test_a_full_mailbox_does_not_double_the_others(self, town: Any) -> None:
        alice, bob = town.person("alice"), town.person("bob", octets=1)
        addresses = ("alice@example.test", "bob@example.test")
        kept, full = town.send(*addresses)
        assert kept is None
        assert full is not None
        assert full.kind is FailureKind.OVER_QUOTA
        town.send(*addresses)
        town.run(town.directory.set_limits("bob@example.test", 0, 0))
        assert town.send(*addresses) == [None, None]
        assert (len(town.letters(alice)), len(town.letters(bob))) == (1, 1)

    def test_once_all_have_it_the_same_bytes_are_a_new_message(self, town: Any) -> None:
        alice, _ = town.person("alice"), town.person("bob", octets=1)
        addresses = ("alice@example.test", "bob@example.test")
        town.send(*addresses)
        town.run(town.directory.set_limits("bob@example.test", 0, 0))
        assert town.send(*addresses) == [None, None]
        assert town.send(*addresses) == [None, None]
        assert len(town.letters(alice)) == 2

    def test_a_database_that_fails_after_another_committed(self, town: Any) -> None:
        alice, bob = town.person("alice", "one"), town.person("bob", "two")
        addresses = ("alice@example.test", "bob@example.test")
        town.stores["two"].failure = FULL
        assert town.send(*addresses) == [None, FULL]
        assert town.send(*addresses) == [None, FULL]
        town.stores["two"].failure = None
        assert town.send(*addresses) == [None, None]
        assert (len(town.letters(alice)), len(town.letters(bob))) == (1, 1)

    def test_another_process_that_is_asked_next_finds_it_in_the_mailbox(self, town: Any) -> None:
        people = [town.person(f"p{n}", "one") for n in range(5)] + [town.person("bob", "two")]
        town.group("all", *[person.address for person in people])
        town.stores["two"].failure = FULL
        assert town.send("all@example.test") == [FULL]
        town.stores["two"].failure = None
        town.intake = town.new_intake()
        assert town.send("all@example.test") == [None]
        assert [len(town.letters(person)) for person in people] == [1] * 6

    def test_without_a_message_id_equal_bytes_are_different_messages(self, town: Any) -> None:
        people = [town.person("alice", "one"), town.person("bob", "two")]
        addresses = ("alice@example.test", "bob@example.test")
        for _ in range(2):
            assert town.send(*addresses, data=b"Subject: test\r\n\r\n") == [None, None]
        assert [len(town.letters(person)) for person in people] == [2, 2]

    def test_a_group_is_kept_only_when_everybody_has_it(self, town: Any) -> None:
        town.person("alice", "one")
        town.person("bob", "two")
        town.group("all", "alice@example.test", "bob@example.test")
        town.stores["one"].failure = FULL
        assert town.send("bob@example.test", "all@example.test") == [None, FULL]

    def test_nothing_is_committed_where_a_database_has_closed_meanwhile(self, town: Any) -> None:
        alice, _ = town.person("alice", "one"), town.person("bob", "two")
        mail = MailFrom("")
        addressees = (town.rcpt("alice@example.test"), town.rcpt("bob@example.test"))
        del town.stores["two"]
        with refused(FailureKind.UNAVAILABLE, "not open"):
            town.run(town.intake.accept(mail, addressees, Body(LETTER), outside()))
        assert town.letters(alice) == []
