"""Who has a message that will be sent again."""

from pillarbox.base.clock import FixedClock
from pillarbox.model.ids import AccountId
from pillarbox.transport.ledger import KEEP_SECONDS, Ledger, digest_of


def accounts(*numbers: int) -> frozenset[AccountId]:
    return frozenset(map(AccountId, numbers))


def test_remembers_all_holders_of_a_message() -> None:
    ledger = Ledger(FixedClock())
    ledger.remember(b"a", accounts(1, 2))
    ledger.remember(b"a", accounts(3))
    assert ledger.holders(b"a") == accounts(1, 2, 3)
    assert ledger.holders(b"b") == accounts()


def test_forgets_when_told_and_in_time() -> None:
    clock = FixedClock()
    ledger = Ledger(clock)
    ledger.remember(b"a", accounts(1))
    ledger.forget(b"a")
    assert ledger.holders(b"a") == accounts()
    ledger.remember(b"a", accounts(1))
    clock.advance(KEEP_SECONDS)
    assert ledger.holders(b"a") == accounts()
    assert len(ledger) == 0


def test_nobody_is_not_worth_remembering() -> None:
    ledger = Ledger(FixedClock())
    ledger.remember(b"a", accounts())
    assert not ledger


def test_is_bounded_by_accounts() -> None:
    ledger = Ledger(FixedClock(), most=10)
    for number in range(20):
        ledger.remember(bytes([number]), accounts(1, 2, 3))
    assert [n for n in range(20) if ledger.holders(bytes([n]))] == [17, 18, 19]
    ledger.remember(b"large", accounts(*range(11)))
    assert not ledger


def test_messages_are_told_apart_by_every_byte() -> None:
    assert digest_of(b"a") == digest_of(b"a") != digest_of(b"b")
