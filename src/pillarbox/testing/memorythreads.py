"""Sorting and threading for the store in memory: RFC 5256 step by step, with objects and recursion.

On purpose it shares nothing with the real store's: each is held against the other. Slow, and not for deep threads.
"""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from pillarbox.mime import encodedword
from pillarbox.mime.address import Group, parse
from pillarbox.mime.message import parse as parse_message
from pillarbox.mime.subject import base_subject
from pillarbox.model.ids import Uid
from pillarbox.model.search import Forest, SortField, SortKey, Threading
from pillarbox.testing.memoryboxes import Placement


def casemap(text: str) -> str:
    """i;unicode-casemap: simple title case, decomposed."""
    titles = [character.title() if len(character.title()) == 1 else character for character in text]
    return unicodedata.normalize("NFKD", "".join(titles))


def fold(text: str) -> str:
    """What searches compare."""
    return casemap(text).casefold()


def sorted_uids(found: Sequence[Placement], order: Sequence[SortKey]) -> list[Uid]:
    """The messages in order, the key that counts least applied first."""
    placements = sorted(found, key=lambda placement: placement.uid)
    for key in reversed(order):
        value = _value(key.field)
        placements = sorted(placements, key=value, reverse=key.reverse)
    return [Uid(placement.uid) for placement in placements]


def _value(wanted: SortField) -> Callable[[Placement], Any]:
    match wanted:
        case SortField.ARRIVED:
            return lambda placement: placement.email.received_at // 1_000_000
        case SortField.SENT:
            return sent
        case SortField.SIZE:
            return lambda placement: placement.email.size
        case SortField.SUBJECT:
            return lambda placement: casemap(base_subject(placement.email.prepared.subject))
        case SortField.FROM | SortField.TO | SortField.CC:
            return lambda placement: casemap(_first(placement, wanted.value)[1])
        case SortField.SENDER:
            return lambda placement: casemap(_shown(_first(placement, "from")))
        case SortField.RECIPIENT:
            return lambda placement: casemap(_shown(_first(placement, "to")))


def sent(placement: Placement) -> int:
    """Seconds of the Date header, else of the arrival."""
    moment = placement.email.prepared.sent_at
    return (placement.email.received_at if moment is None else moment) // 1_000_000


def _first(placement: Placement, name: str) -> tuple[str, str, str]:
    """Name, local part and domain of the first address of a field."""
    value = parse_message(placement.email.data).root.header.joined(name.encode())
    addresses = parse(value) if value else []
    if not addresses:
        return "", "", ""
    first = addresses[0]
    if isinstance(first, Group):
        return "", first.name.decode("utf-8", "replace"), ""
    return (
        encodedword.decode(first.name or b"").strip(),
        first.local.decode("utf-8", "replace"),
        first.domain.decode("utf-8", "replace"),
    )


def _shown(address: tuple[str, str, str]) -> str:
    name, local, domain = address
    return name or (f"{local}@{domain}" if domain else encodedword.decode(local.encode()))


@dataclass(eq=False)
class Node:
    """A message, or (without one) a place for a message that is not there."""

    placement: Placement | None = None
    parent: "Node | None" = None
    children: list["Node"] = field(default_factory=list)

    def has_below(self, other: "Node") -> bool:
        while other.parent is not None:
            other = other.parent
            if other is self:
                return True
        return False

    def put_under(self, parent: "Node | None") -> None:
        if self.parent is not None:
            self.parent.children.remove(self)
        self.parent = parent
        if parent is not None:
            parent.children.append(self)

    @property
    def first(self) -> Placement:
        return self.placement or self.children[0].first

    @property
    def when(self) -> tuple[int, int]:
        return sent(self.first), self.first.uid

    @property
    def subject(self) -> str:
        return casemap(base_subject(self.first.email.prepared.subject))

    @property
    def reply(self) -> bool:
        """Whether the subject loses more than space and "[list]" on its way to the base subject."""
        text = " ".join(self.first.email.prepared.subject.split())
        base = base_subject(text)
        before = text[: len(text) - len(base)] if text.endswith(base) else text
        return not text.endswith(base) or ":" in before

    def latest(self) -> tuple[int, int]:
        own = [(self.placement.email.received_at // 1_000_000, self.placement.uid)] if self.placement else []
        return max(own + [child.latest() for child in self.children])


def forest(found: Sequence[Placement], threading: Threading) -> Forest:
    """The messages in threads."""
    if threading is Threading.SUBJECT:
        roots = _ordered_subject(found)
    else:
        roots = _pruned([node for node in _linked(found) if node.parent is None])
        if threading is Threading.REFERENCES:
            roots = _merged(_in_order(roots))
        roots = _in_order(roots)
        if threading is Threading.LATEST:
            roots.sort(key=Node.latest)
    out = Forest([], [])
    for root in roots:
        _tell(root, 0, out)
    return out


def _ordered_subject(found: Sequence[Placement]) -> list[Node]:
    threads: dict[str, Node] = {}
    for node in sorted([Node(placement) for placement in found], key=lambda node: node.when):
        if node.subject in threads:
            node.put_under(threads[node.subject])
        else:
            threads[node.subject] = node
    return sorted(threads.values(), key=lambda node: node.when)


def _linked(found: Sequence[Placement]) -> list[Node]:
    """Step 1."""
    table: dict[bytes, Node] = {}
    others: list[Node] = []
    for placement in sorted(found, key=lambda placement: placement.uid):
        prepared = placement.email.prepared
        line = [table.setdefault(name.replace(b'"', b""), Node()) for name in prepared.references]
        for above, below in pairwise(line):
            if below.parent is None and below is not above and not below.has_below(above):
                below.put_under(above)
        own = table.setdefault(prepared.message_id.replace(b'"', b""), Node()) if prepared.message_id else None
        if own is None or own.placement is not None:
            own = Node()
            others.append(own)
        own.placement = placement
        own.put_under(None)
        if line and line[-1] is not own and not own.has_below(line[-1]):
            own.put_under(line[-1])
    return [*table.values(), *others]


def _pruned(nodes: list[Node], top: bool = True) -> list[Node]:
    """Steps 2 and 3."""
    kept = []
    for node in nodes:
        node.children = _pruned(node.children, False)
        if node.placement is not None or (top and len(node.children) > 1):
            kept.append(node)
        else:
            kept += node.children
    return kept


def _in_order(nodes: list[Node]) -> list[Node]:
    """Steps 4 and 6."""
    for node in nodes:
        node.children = _in_order(node.children)
    return sorted(nodes, key=lambda node: node.when)


def _merged(roots: list[Node]) -> list[Node]:
    """Step 5."""
    table: dict[str, Node] = {}
    for node in roots:
        if not node.subject:
            continue
        held = table.setdefault(node.subject, node)
        if held.placement is not None and (node.placement is None or (held.reply and not node.reply)):
            table[node.subject] = node
    for node in list(roots):
        held = table.get(node.subject, node)
        if held is node:
            continue
        roots.remove(node)
        if held.placement is None:
            held.children += node.children if node.placement is None else [node]
        elif node.reply and not held.reply:
            held.children.append(node)
        else:
            roots[roots.index(held)] = table[node.subject] = Node(children=[held, node])
    return roots


def _tell(node: Node, depth: int, out: Forest) -> None:
    out.uids.append(node.placement.uid if node.placement else 0)
    out.depths.append(depth)
    for child in node.children:
        _tell(child, depth + 1, out)
