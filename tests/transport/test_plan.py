"""From addressees to drops and back to answers."""

from pillarbox.base.failure import FailureKind
from pillarbox.model.directory import Person, Recipient
from pillarbox.model.failure import Failure
from pillarbox.model.ids import AccountId
from pillarbox.model.transaction import Addressee, Drop, DsnRequest
from pillarbox.transport.plan import answer, make_plan

ALICE = Person(AccountId(1), "alice@example.test", "", "one", True, 100, 10)
BOB = Person(AccountId(2), "bob@example.test", "", "two", True, 0, 0)


def addressee(address: str, *recipients: tuple[Person, str]) -> Addressee:
    return Addressee(address, tuple(Recipient(person, address, detail) for person, detail in recipients), DsnRequest())


def test_one_drop_for_each_person_by_database() -> None:
    plan = make_plan((addressee("a@", (ALICE, "news")), addressee("b@", (BOB, ""))), str.encode, True)
    assert plan.drops == {
        "one": {1: Drop(ALICE.account, "news", b"a@", 100, 10)},
        "two": {2: Drop(BOB.account, "INBOX", b"b@", 0, 0)},
    }


def test_details_only_where_wanted() -> None:
    plan = make_plan((addressee("a@", (ALICE, "news")),), str.encode, False)
    assert plan.drops["one"][ALICE.account].mailbox == "INBOX"


def test_the_first_addressee_decides_and_a_group_overrides_the_quota() -> None:
    alone, group = addressee("a@", (ALICE, "x")), addressee("g@", (ALICE, "y"), (BOB, ""))
    first = make_plan((alone, group), str.encode, True).drops["one"][ALICE.account]
    assert (first.mailbox, first.trace, first.beyond_quota) == ("x", b"a@", True)
    second = make_plan((group, alone), str.encode, True).drops["one"][ALICE.account]
    assert (second.mailbox, second.trace, second.beyond_quota) == ("y", b"g@", True)


def test_without_who_has_it() -> None:
    plan = make_plan((addressee("g@", (ALICE, ""), (BOB, "")),), str.encode, True)
    assert plan.without(frozenset()).databases == ["one", "two"]
    assert plan.without(frozenset({ALICE.account})).databases == ["two"]


def test_the_answer_is_the_failure_that_says_most() -> None:
    group = addressee("g@", (ALICE, ""), (BOB, ""))
    gone, full = Failure(FailureKind.NOT_FOUND, "gone"), Failure(FailureKind.OVER_QUOTA, "full")
    assert answer(group, {ALICE.account: None, BOB.account: None}) is None
    assert answer(group, {ALICE.account: None, BOB.account: gone}) is gone
    assert answer(group, {ALICE.account: gone, BOB.account: full}) is full
