"""A search whose result is kept up to date; `contexts` does that."""

from dataclasses import dataclass

from pillarbox.model.search import SortKey
from pillarbox.wire.imap.search_keys import SearchKey


@dataclass(slots=True)
class Context:
    """One search: its result as the client knows it, uids in its order; `order` is None for SEARCH."""

    tag: bytes
    uid: bool
    key: SearchKey
    order: tuple[SortKey, ...] | None
    result: list[int]
