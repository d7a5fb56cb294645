"""Who wants to know of changes in which account. For one thread: that of the event loop."""

from collections.abc import Callable, Iterable

from pillarbox.model.change import Change
from pillarbox.model.ids import AccountId, MailboxId, ModSeq

Wake = Callable[[Change], None]


class Watchers:
    """The watches of this process."""

    def __init__(self) -> None:
        self._by_account: dict[AccountId, dict[object, Wake]] = {}

    def watch(self, account: AccountId, wake: Wake) -> Callable[[], None]:
        """Calls `wake` with each change of the account, until the answer is called."""
        key = object()
        self._by_account.setdefault(account, {})[key] = wake

        def end() -> None:
            watches = self._by_account.get(account, {})
            watches.pop(key, None)
            if not watches:
                self._by_account.pop(account, None)

        return end

    def wake_all(self) -> None:
        """Wakes everybody: whatever they watched may be different altogether."""
        for account in list(self._by_account):
            self.tell([Change(account, MailboxId(0), ModSeq(0))])

    def tell(self, changes: Iterable[Change]) -> None:
        """Wakes whoever watches."""
        for change in changes:
            watches = self._by_account.get(change.account)
            if watches:
                for wake in list(watches.values()):
                    wake(change)
