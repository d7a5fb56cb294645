"""The contract of `Directory` and `DirectoryAdmin`, held against every implementation."""

import re
from typing import Any

import pytest

from pillarbox.base.clock import FixedClock
from pillarbox.base.failure import FailureKind
from pillarbox.directory.scram import derive_keys
from pillarbox.model.directory import AliasRecord, DomainRecord, GroupRecord, Person, Route
from pillarbox.model.failure import Failure


@pytest.fixture
def site(directory: Any, run: Any) -> "Site":
    return Site(directory, run)


class Site:
    """A directory spoken to in short sentences."""

    def __init__(self, directory: Any, run: Any) -> None:
        self.directory = directory
        self.run = run

    def person(self, address: str, password: str = "secret") -> Person:
        return self.do("add_person", address, password, "", "mailboxes", 0, 0)

    def group(self, address: str, *members: str) -> None:
        self.do("add_group", address, "")
        for member in members:
            self.do("add_member", address, member)

    def do(self, name: str, *args: Any) -> Any:
        return self.run(getattr(self.directory, name)(*args))

    def leads_to(self, address: str) -> tuple[Route, list[str], list[str]]:
        found = self.do("resolve", address)
        return found.route, sorted(r.person.address for r in found.recipients), sorted(found.foreign)

    def refused(self, kind: FailureKind, sentence: str, name: str, *args: Any) -> None:
        with pytest.raises(Failure, match=re.escape(sentence)) as raised:
            self.do(name, *args)
        assert raised.value.kind is kind

    def login(self, login: str, password: str, client: str = "192.0.2.1") -> Person:
        return self.do("verify_password", login, password, client)

    def login_fails(self, kind: FailureKind, login: str, password: str, client: str = "192.0.2.1") -> None:
        with pytest.raises(Failure) as raised:
            self.login(login, password, client)
        assert raised.value.kind is kind


class TestPeople:
    def test_a_person_is_found_by_address_whatever_the_case(self, site: Site) -> None:
        alice = site.do("add_person", "Alice@Example.TEST", "secret", "Alice", "mailboxes", 5, 6)
        assert alice == Person(alice.account, "alice@example.test", "Alice", "mailboxes", True, 5, 6)
        assert site.do("person", "ALICE@example.test") == alice
        assert site.do("people") == [alice]

    def test_nobody_is_none(self, site: Site) -> None:
        for login in ("alice@example.test", "alice", "", "alice@example.org", "@", "a b@example.test"):
            assert site.do("person", login) is None

    def test_a_domain_in_unicode_is_the_same_as_its_a_labels(self, site: Site) -> None:
        site.do("add_domain", "Bücher.test", "")
        site.person("josé@bücher.test")
        assert site.do("person", "JOSÉ@xn--bcher-kva.test").address == "josé@xn--bcher-kva.test"
        assert site.leads_to("josé@BÜCHER.test")[0] is Route.LOCAL

    def test_account_ids_are_never_given_twice(self, site: Site) -> None:
        first = site.person("alice@example.test")
        assert site.do("delete_person", "alice@example.test") == first
        second = site.person("alice@example.test")
        assert second.account > first.account

    def test_limits_and_switching_off(self, site: Site) -> None:
        site.person("alice@example.test")
        site.do("set_limits", "Alice@example.test", 10, 20)
        site.do("set_enabled", "alice@example.test", False)
        alice = site.do("person", "alice@example.test")
        assert (alice.octet_limit, alice.message_limit, alice.enabled) == (10, 20, False)

    def test_what_is_not_there_is_named(self, site: Site) -> None:
        for name, args in (("set_password", ("new",)), ("set_enabled", (True,)), ("set_limits", (1, 1))):
            site.refused(FailureKind.NOT_FOUND, "There is no person bob@example.test", name, "bob@example.test", *args)
        site.refused(FailureKind.NOT_FOUND, "pillarbox user list", "delete_person", "bob@example.test")

    def test_an_alias_is_not_taken_for_a_person(self, site: Site) -> None:
        site.person("alice@example.test")
        site.do("add_alias", "al@example.test", "alice@example.test")
        sentence = "al@example.test is an alias, not a person"
        site.refused(FailureKind.NOT_FOUND, sentence, "delete_person", "al@example.test")

    @pytest.mark.parametrize("address", ["", "alice", "@example.test", "a b@example.test", "a..b@x.test", "x@y z"])
    def test_what_is_no_address_is_refused(self, site: Site, address: str) -> None:
        with pytest.raises(Failure) as raised:
            site.person(address)
        assert raised.value.kind is FailureKind.INVALID

    def test_the_domain_must_be_ours(self, site: Site) -> None:
        site.refused(
            FailureKind.INVALID,
            "example.org is not a domain of this server; add it first: pillarbox domain add example.org",
            "add_person", "alice@example.org", "x", "", "mailboxes", 0, 0,
        )  # fmt: skip

    @pytest.mark.parametrize("password", ["", "a\nb", "a\u2028b"])
    def test_bad_passwords_are_refused(self, site: Site, password: str) -> None:
        with pytest.raises(Failure, match="This password cannot be used") as raised:
            site.person("alice@example.test", password)
        assert raised.value.kind is FailureKind.INVALID
        assert site.do("people") == []

    def test_a_quota_cannot_be_negative(self, site: Site) -> None:
        site.refused(
            FailureKind.INVALID, "cannot be negative", "add_person", "a@example.test", "x", "", "mailboxes", -1, 0
        )


class TestOneNameOneThing:
    def test_an_address_in_use_is_refused_and_named(self, site: Site) -> None:
        site.person("alice@example.test")
        site.do("add_alias", "al@example.test", "alice@example.test")
        site.group("all@example.test")
        for address, what in (("alice@", "a person"), ("AL@", "an alias"), ("all@", "a group")):
            sentence = f"{address.lower()}example.test is already {what}"
            full = f"{address}example.test"
            site.refused(FailureKind.ALREADY_EXISTS, sentence, "add_person", full, "x", "", "mailboxes", 0, 0)
            site.refused(FailureKind.ALREADY_EXISTS, sentence, "add_alias", full, "alice@example.test")
            site.refused(FailureKind.ALREADY_EXISTS, sentence, "add_group", full, "")


class TestDomains:
    def test_are_listed(self, site: Site) -> None:
        site.do("add_domain", "B.test", "")
        site.person("alice@example.test")
        site.do("set_catch_all", "b.TEST", "alice@example.test")
        assert site.do("domains") == [DomainRecord("b.test", "alice@example.test"), DomainRecord("example.test", "")]
        assert site.do("is_local_domain", "EXAMPLE.test")
        assert not site.do("is_local_domain", "example.org")
        assert not site.do("is_local_domain", "..")

    def test_are_known_once(self, site: Site) -> None:
        site.refused(FailureKind.ALREADY_EXISTS, "already a domain", "add_domain", "Example.test", "")
        site.refused(FailureKind.NOT_FOUND, "pillarbox domain list", "delete_domain", "example.org")
        site.refused(FailureKind.NOT_FOUND, "pillarbox domain list", "set_catch_all", "example.org", "")
        site.refused(FailureKind.INVALID, "not a domain", "add_domain", "exa mple.org", "")
        site.refused(FailureKind.INVALID, "address literal", "add_domain", "[192.0.2.1]", "")

    def test_stay_while_somebody_is_there(self, site: Site) -> None:
        site.person("alice@example.test")
        site.refused(FailureKind.INVALID, "it still has alice@example.test", "delete_domain", "example.test")
        site.do("delete_person", "alice@example.test")
        site.do("delete_domain", "example.test")
        assert site.do("domains") == []
        assert site.leads_to("alice@example.test")[0] is Route.FOREIGN

    def test_a_catch_all_must_exist(self, site: Site) -> None:
        site.refused(
            FailureKind.NOT_FOUND, "nobody at all@example.test", "set_catch_all", "example.test", "all@example.test"
        )
        site.refused(FailureKind.NOT_FOUND, "nobody at x@new.test", "add_domain", "new.test", "x@new.test")


class TestAliases:
    def test_lead_to_a_person_through_other_aliases(self, site: Site) -> None:
        alice = site.person("alice@example.test")
        site.do("add_alias", "al@example.test", "Alice@example.test")
        site.do("add_alias", "a@example.test", "al@example.test")
        assert site.leads_to("A@example.test") == (Route.LOCAL, ["alice@example.test"], [])
        assert site.do("person", "a@example.test") == alice
        assert site.do("aliases")[0] == AliasRecord("a@example.test", "al@example.test")

    def test_may_lead_abroad(self, site: Site) -> None:
        site.do("add_alias", "x@example.test", "Somebody@Example.org")
        assert site.leads_to("x@example.test") == (Route.FOREIGN, [], ["Somebody@example.org"])
        assert site.do("person", "x@example.test") is None

    def test_must_lead_somewhere(self, site: Site) -> None:
        site.refused(FailureKind.NOT_FOUND, "nobody at b@example.test", "add_alias", "a@example.test", "b@example.test")
        site.refused(FailureKind.INVALID, "not an address", "add_alias", "a@example.test", "b")
        assert site.do("aliases") == []

    def test_never_lead_back(self, site: Site) -> None:
        site.refused(FailureKind.LOOP, "circles", "add_alias", "a@example.test", "A@example.test")
        site.refused(FailureKind.LOOP, "circles", "add_alias", "a@example.test", "a+x@example.test")
        site.person("alice@example.test")
        site.do("add_alias", "sales@example.test", "alice+x@example.test")
        site.refused(FailureKind.LOOP, "circles", "add_alias", "alice+x@example.test", "sales@example.test")
        assert len(site.do("aliases")) == 1

    def test_hold_what_they_lead_to(self, site: Site) -> None:
        site.person("alice@example.test")
        site.do("add_alias", "sales@example.test", "alice+Sales@example.test")
        site.do("add_alias", "shop@example.test", "sales@example.test")
        site.refused(FailureKind.INVALID, "aliases sales@example.test lead", "delete_person", "alice@example.test")
        site.refused(FailureKind.INVALID, "aliases shop@example.test lead", "delete_alias", "sales@example.test")
        site.do("delete_alias", "shop@example.test")
        site.do("delete_alias", "sales@example.test")
        site.do("delete_person", "alice@example.test")
        site.refused(FailureKind.NOT_FOUND, "no alias shop@example.test", "delete_alias", "shop@example.test")

    def test_a_catch_all_holds_what_it_leads_to(self, site: Site) -> None:
        site.person("alice@example.test")
        site.do("set_catch_all", "example.test", "alice@example.test")
        site.refused(FailureKind.INVALID, "catch-all of example.test", "delete_person", "alice@example.test")
        site.do("set_catch_all", "example.test", "")
        site.do("delete_person", "alice@example.test")


class TestGroups:
    def test_each_person_once_through_nested_groups(self, site: Site) -> None:
        for name in ("alice", "bob", "carol"):
            site.person(f"{name}@example.test")
        site.group("sales@example.test", "alice@example.test", "bob@example.test")
        site.group("all@example.test", "sales@example.test", "Bob@example.test", "carol@example.test", "x@example.org")
        people = ["alice@example.test", "bob@example.test", "carol@example.test"]
        assert site.leads_to("all@example.test") == (Route.LOCAL, people, ["x@example.org"])
        assert site.do("groups")[0] == GroupRecord(
            "all@example.test", "", ("Bob@example.test", "carol@example.test", "sales@example.test", "x@example.org")
        )

    def test_membership(self, site: Site) -> None:
        site.person("alice@example.test")
        site.group("all@example.test", "alice@example.test")
        site.refused(
            FailureKind.ALREADY_EXISTS, "already a member", "add_member", "all@example.test", "ALICE@example.test"
        )
        site.refused(FailureKind.NOT_FOUND, "no group", "add_member", "some@example.test", "alice@example.test")
        site.refused(FailureKind.NOT_FOUND, "nobody at", "add_member", "all@example.test", "bob@example.test")
        site.do("remove_member", "all@example.test", "Alice@example.test")
        site.refused(FailureKind.NOT_FOUND, "not a member", "remove_member", "all@example.test", "alice@example.test")
        assert site.leads_to("all@example.test") == (Route.UNKNOWN, [], [])

    def test_never_contain_themselves(self, site: Site) -> None:
        site.group("a@example.test")
        site.group("b@example.test", "a@example.test")
        site.do("add_alias", "c@example.test", "b@example.test")
        for member in ("a@example.test", "b@example.test", "c@example.test", "a+x@example.test"):
            site.refused(FailureKind.LOOP, "leads back", "add_member", "a@example.test", member)

    def test_forget_who_is_deleted(self, site: Site) -> None:
        site.person("alice@example.test")
        site.group("a@example.test", "alice@example.test", "alice+x@example.test")
        site.group("b@example.test", "a@example.test")
        site.do("delete_person", "alice@example.test")
        assert site.do("groups")[0].members == ()
        site.do("delete_group", "a@example.test")
        assert site.do("groups") == [GroupRecord("b@example.test", "", ())]
        site.person("a@example.test")


class TestResolving:
    def test_the_recipient_carries_the_address_and_the_detail_as_written(self, site: Site) -> None:
        site.person("alice@example.test")
        (recipient,) = site.do("resolve", "Alice+News.Today+x@EXAMPLE.test").recipients
        assert (recipient.address, recipient.detail) == ("Alice+News.Today+x@EXAMPLE.test", "News.Today+x")
        assert recipient.person.address == "alice@example.test"

    def test_an_entry_of_the_whole_address_comes_before_a_detail(self, site: Site) -> None:
        site.person("alice@example.test")
        site.person("bob@example.test")
        site.do("add_alias", "alice+bob@example.test", "bob@example.test")
        assert site.leads_to("alice+bob@example.test")[1] == ["bob@example.test"]
        assert site.leads_to("alice+carol@example.test")[1] == ["alice@example.test"]

    @pytest.mark.parametrize(
        ("target", "address", "detail"),
        [
            ("alice@example.test", "al+news@example.test", "news"),
            ("alice+Own@example.test", "al+news@example.test", "Own"),
            ("alice+Own@example.test", "al@example.test", "Own"),
            ("alice@example.test", "al+@example.test", ""),
        ],
    )
    def test_an_alias_hands_its_detail_on(self, site: Site, target: str, address: str, detail: str) -> None:
        site.person("alice@example.test")
        site.do("add_alias", "al@example.test", target)
        (recipient,) = site.do("resolve", address).recipients
        assert recipient.detail == detail

    def test_a_group_keeps_the_detail_to_itself(self, site: Site) -> None:
        site.person("alice@example.test")
        site.group("all@example.test", "alice@example.test")
        (recipient,) = site.do("resolve", "all+news@example.test").recipients
        assert recipient.detail == ""

    def test_unknown_foreign_and_nonsense(self, site: Site) -> None:
        assert site.leads_to("nobody@example.test") == (Route.UNKNOWN, [], [])
        assert site.leads_to("nobody@example.org") == (Route.FOREIGN, [], [])
        assert site.leads_to("nobody@[192.0.2.1]") == (Route.FOREIGN, [], [])
        for address in ("", "@", "nobody", "a@b@", "a@example.test\r\n", "+x@example.test"):
            assert site.leads_to(address) == (Route.UNKNOWN, [], [])

    def test_quotes_that_are_not_needed_do_not_matter(self, site: Site) -> None:
        site.person('"alice smith"@example.test')
        site.person("bob@example.test")
        assert site.leads_to('"Alice\\ smith"@example.test')[0] is Route.LOCAL
        assert site.leads_to('"bob"@example.test')[1] == ["bob@example.test"]

    def test_switched_off(self, site: Site) -> None:
        site.person("alice@example.test")
        site.person("bob@example.test")
        site.group("all@example.test", "alice@example.test", "bob@example.test")
        site.do("set_enabled", "alice@example.test", False)
        assert site.leads_to("alice@example.test") == (Route.DISABLED, [], [])
        assert site.leads_to("all@example.test") == (Route.LOCAL, ["bob@example.test"], [])

    def test_catch_all(self, site: Site) -> None:
        site.person("alice@example.test")
        site.do("set_catch_all", "example.test", "alice+rest@example.test")
        (recipient,) = site.do("resolve", "any+thing@example.test").recipients
        assert (recipient.person.address, recipient.detail) == ("alice@example.test", "rest")


class TestPostmaster:
    def test_an_entry_of_the_domain_comes_first(self, site: Site) -> None:
        site.person("alice@example.test")
        site.person("bob@example.test")
        site.do("add_alias", "postmaster@example.test", "bob@example.test")
        assert site.leads_to("Postmaster@example.test")[1] == ["bob@example.test"]
        assert site.leads_to("postmaster")[1] == ["bob@example.test"]

    def test_else_an_entry_of_another_domain(self, site: Site) -> None:
        site.do("add_domain", "other.test", "")
        site.person("alice@other.test")
        site.person("postmaster@example.test")
        assert site.leads_to("postmaster@other.test")[1] == ["postmaster@example.test"]

    def test_else_the_first_person_who_is_there(self, site: Site) -> None:
        site.do("add_domain", "other.test", "")
        for address in ("alice@other.test", "bob@example.test", "carol@example.test"):
            site.person(address)
        assert site.leads_to("postmaster@example.test")[1] == ["bob@example.test"]
        site.do("set_enabled", "bob@example.test", False)
        assert site.leads_to("POSTMASTER@example.test")[1] == ["carol@example.test"]
        assert site.leads_to("PostMaster")[1] == ["alice@other.test"]

    def test_nobody_at_all(self, site: Site) -> None:
        assert site.leads_to("postmaster@example.test") == (Route.UNKNOWN, [], [])
        assert site.leads_to("postmaster") == (Route.UNKNOWN, [], [])


class TestLogins:
    def test_right_and_wrong(self, site: Site) -> None:
        alice = site.person("alice@example.test", "secret")
        site.do("add_alias", "al@example.test", "alice@example.test")
        assert site.login("Alice@example.test", "secret") == alice
        assert site.login("al@example.test", "secret") == alice
        site.login_fails(FailureKind.LOGIN_FAILED, "alice@example.test", "Secret")
        site.login_fails(FailureKind.LOGIN_FAILED, "alice@example.test", "")
        site.login_fails(FailureKind.LOGIN_FAILED, "nobody@example.test", "secret")
        site.login_fails(FailureKind.LOGIN_FAILED, "no address", "secret", "192.0.2.2")
        site.login_fails(FailureKind.LOGIN_FAILED, "alice@example.test", "se\ncret\udc80", "192.0.2.2")

    def test_a_password_can_be_typed_in_more_than_one_way(self, site: Site) -> None:
        site.person("alice@example.test", "pa\u00dfw\u00f6rt \u2168")
        site.login("alice@example.test", "pa\u00dfwo\u0308rt\u00a0IX")

    def test_a_new_password_ends_the_old(self, site: Site) -> None:
        site.person("alice@example.test", "old")
        site.login("alice@example.test", "old")
        site.do("set_password", "alice@example.test", "new")
        site.login_fails(FailureKind.LOGIN_FAILED, "alice@example.test", "old")
        site.login("alice@example.test", "new")

    def test_switched_off_is_told_only_to_who_knows_the_password(self, site: Site) -> None:
        site.person("alice@example.test", "secret")
        site.login("alice@example.test", "secret")
        site.do("set_enabled", "alice@example.test", False)
        site.login_fails(FailureKind.DISABLED, "alice@example.test", "secret")
        site.login_fails(FailureKind.LOGIN_FAILED, "alice@example.test", "wrong")
        assert site.do("scram_keys", "alice@example.test", "192.0.2.1") is None

    @pytest.mark.parametrize("login", ["alice@example.test", "nobody@example.test"])
    def test_too_many_failures_lock_out(self, site: Site, clock: FixedClock, login: str) -> None:
        site.person("alice@example.test", "secret")
        for _ in range(3):
            site.login_fails(FailureKind.LOGIN_FAILED, login, "wrong")
        site.login_fails(FailureKind.LOCKED_OUT, login, "secret")
        site.login("alice@example.test", "secret", "192.0.2.2")
        clock.advance(59)
        site.login_fails(FailureKind.LOCKED_OUT, login, "secret")
        with pytest.raises(Failure) as raised:
            site.do("scram_keys", login, "192.0.2.1")
        assert raised.value.kind is FailureKind.LOCKED_OUT
        clock.advance(2)
        site.login_fails(FailureKind.LOGIN_FAILED, login, "wrong")
        site.login("alice@example.test", "secret")

    def test_an_alias_is_no_second_chance(self, site: Site) -> None:
        site.person("alice@example.test", "secret")
        site.do("add_alias", "al@example.test", "alice@example.test")
        for login in ("al@example.test", "alice@example.test", "ALICE@example.test"):
            site.login_fails(FailureKind.LOGIN_FAILED, login, "wrong")
        site.login_fails(FailureKind.LOCKED_OUT, "al@example.test", "secret")

    def test_scram(self, site: Site) -> None:
        alice = site.person("alice@example.test", "secret")
        keys = site.do("scram_keys", "alice@example.test", "192.0.2.1")
        assert keys.iterations >= 4096
        assert keys == derive_keys("secret", keys.salt, keys.iterations)
        assert site.do("scram_keys", "nobody@example.test", "192.0.2.1") is None
        assert site.do("scram_finished", "alice@example.test", "192.0.2.1", True) == alice
        for _ in range(3):
            site.refused(FailureKind.LOGIN_FAILED, "Wrong", "scram_finished", "alice@example.test", "192.0.2.1", False)
        site.refused(FailureKind.LOCKED_OUT, "Too many", "scram_finished", "alice@example.test", "192.0.2.1", True)
