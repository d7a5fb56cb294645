"""Putting letters together in threads: ORDEREDSUBJECT and REFERENCES (RFC 5256 section 3), and REFS.

Pure, and linear for any input: whom a letter may be put under is looked for from both ends at once, and where hostile
references make even that take too long (`_PATIENCE` steps a letter), the links that are left to check are not made.
Nothing recurses, however deep a thread is.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pillarbox.mime.subject import is_reply
from pillarbox.model.search import Forest, Threading

_PATIENCE = 64
_NONE = -1


class Letter(NamedTuple):
    """What threads are made of; letters come with rising uids.

    Times in seconds. `base` is the base subject as it is compared; `references` are identifiers with spaces between.
    """

    uid: int
    received: int
    sent: int
    base: str
    subject: str
    message_id: bytes
    references: bytes


def threads(letters: Sequence[Letter], threading: Threading) -> Forest:
    """The letters in threads."""
    if threading is Threading.SUBJECT:
        return _by_subject(letters)
    trees = _Trees(letters, _Links(letters))
    if threading is Threading.REFERENCES:
        trees.sort_roots()
        trees.merge_subjects()
    trees.sort_all()
    if threading is Threading.LATEST:
        trees.sort_by_latest()
    return trees.forest()


def _by_subject(letters: Sequence[Letter]) -> Forest:
    """ORDEREDSUBJECT: all of one base subject; the first sent is above the others."""
    groups: dict[str, list[Letter]] = {}
    for letter in sorted(letters, key=lambda letter: letter.sent):  # stable: equal dates stay in order of uid
        groups.setdefault(letter.base, []).append(letter)
    ordered = sorted(groups.values(), key=lambda group: (group[0].sent, group[0].uid))
    return Forest(
        [letter.uid for group in ordered for letter in group],
        [int(place > 0) for group in ordered for place in range(len(group))],
    )


class _Links:
    """Step 1: a container for every identifier named and for every letter, and who is whose parent.

    `holds` gives a container's letter (its place), or none where no letter with that identifier is there.
    """

    def __init__(self, letters: Sequence[Letter]) -> None:
        self.holds: list[int] = []
        self.parent: list[int] = []
        self.children: dict[int, dict[int, None]] = {}
        self._ids: dict[bytes, int] = {}
        self._patience = _PATIENCE * (len(letters) + 100)
        for place, letter in enumerate(letters):
            self._take(place, letter)

    def _take(self, place: int, letter: Letter) -> None:
        last = _NONE
        if letter.references:
            for name in letter.references.split():
                each = self._named(name)
                if last != _NONE and self.parent[each] == _NONE:
                    self._link(each, last)
                last = each
        own = self._named(letter.message_id) if letter.message_id else self._new()
        if self.holds[own] != _NONE:  # an identifier that an earlier letter has
            own = self._new()
        self.holds[own] = place
        if self.parent[own] != last:
            self._unlink(own)
            if last != _NONE:
                self._link(own, last)

    def _named(self, name: bytes) -> int:
        found = self._ids.get(name)
        if found is None:
            if b'"' in name:  # quoting is no part of the identifier (RFC 5256 section 3, step 1)
                plain = name.replace(b'"', b"")
                found = self._ids.get(plain)
                found = self._ids[plain] = self._new() if found is None else found
                return found
            found = self._ids[name] = self._new()
        return found

    def _new(self) -> int:
        self.holds.append(_NONE)
        self.parent.append(_NONE)
        return len(self.holds) - 1

    def _unlink(self, child: int) -> None:
        parent = self.parent[child]
        if parent != _NONE:
            del self.children[parent][child]
            self.parent[child] = _NONE

    def _link(self, child: int, parent: int) -> None:
        """Puts one under another, unless that would make a loop."""
        if child == parent or (self.children.get(child) and self._is_above(child, parent)):
            return
        self.parent[child] = parent
        self.children.setdefault(parent, {})[child] = None

    def _is_above(self, one: int, other: int) -> bool:
        """Whether `other` lies somewhere under `one`: looked for upwards from there and downwards from here."""
        parent, children = self.parent, self.children
        up = other
        waiting: list[Iterator[int]] = [iter(children[one])]
        while waiting:
            self._patience -= 1
            up = parent[up]
            if up == _NONE:
                return False
            if up == one or self._patience < 0:
                return True
            down = next(waiting[-1], None)
            if down is None:
                waiting.pop()
            elif down == other:
                return True
            elif below := children.get(down):
                waiting.append(iter(below))
        return False


class _Trees:
    """Steps 2 to 6. A node is a container; those without a letter are only at the top."""

    def __init__(self, letters: Sequence[Letter], links: _Links) -> None:
        self._letters = letters
        self._times = [(letter.sent << 32) + letter.uid for letter in letters]  # by when they were sent, then by uid
        self._holds = links.holds
        self._below: dict[int, list[int]] = {}
        self._roots: list[int] = []
        self._plant(links)

    def _plant(self, links: _Links) -> None:
        """Steps 2 and 3: containers without a letter give their children to what is above, or stay as a root of
        several."""
        waiting = []
        tops = []
        for node, parent in enumerate(links.parent):
            if parent == _NONE:
                if links.children.get(node):
                    waiting.append((node, _NONE))
                elif self._holds[node] != _NONE:
                    self._roots.append(node)
        while waiting:
            node, above = waiting.pop()
            children = links.children.get(node)
            if self._holds[node] != _NONE or (above == _NONE and children):
                if above == _NONE:
                    tops.append(node)
                else:
                    self._below.setdefault(above, []).append(node)
                above = node
            if children:
                waiting += [(child, above) for child in children]
        for node in tops:
            below = self._below.get(node, [])
            if self._holds[node] != _NONE or len(below) > 1:
                self._roots.append(node)
            else:
                self._roots += below

    def _is_empty(self, node: int) -> bool:
        return self._holds[node] == _NONE

    def _first(self, node: int) -> Letter:
        """A node's letter; of one without, its first child's."""
        place = self._holds[node]
        return self._letters[self._holds[self._below[node][0]] if place == _NONE else place]

    def _when(self, node: int) -> int:
        place = self._holds[node]
        return self._times[self._holds[self._below[node][0]] if place == _NONE else place]

    def _reply(self, node: int) -> bool:
        letter = self._first(node)
        return len(letter.subject) != len(letter.base) and is_reply(letter.subject)

    def sort_roots(self) -> None:
        """Step 4: threads by when their first letters were sent."""
        for node in self._roots:
            if self._is_empty(node):
                self._below[node].sort(key=self._when)
        self._roots.sort(key=self._when)

    def merge_subjects(self) -> None:
        """Step 5: threads that have one subject become one."""
        table: dict[str, int] = {}
        for node in self._roots:
            base = self._first(node).base
            held = table.get(base)
            if held is None or (
                not self._is_empty(held)
                and (self._is_empty(node) or (self._reply(held) and not self._reply(node)))
            ):  # fmt: skip
                table[base] = node
        roots = []
        for node in self._roots:
            base = self._first(node).base
            held = table[base]
            if not base or held == node:
                roots.append(node)
            else:
                table[base] = self._merge(node, held)
        # A node that was put under a new one is held by that one.
        self._roots = [table[base] if (base := self._first(node).base) else node for node in roots]

    def _merge(self, node: int, held: int) -> int:
        """Puts a thread to the one of the same subject; the root of both."""
        if self._is_empty(held):
            self._below[held] += self._below[node] if self._is_empty(node) else [node]
        elif self._reply(node) and not self._reply(held):
            self._below.setdefault(held, []).append(node)
        else:
            self._holds.append(_NONE)
            self._below[len(self._holds) - 1] = [held, node]
            return len(self._holds) - 1
        return held

    def sort_all(self) -> None:
        """Step 6: every set of siblings by when they were sent."""
        for siblings in self._below.values():
            if len(siblings) > 1:
                siblings.sort(key=self._when)
        self._roots.sort(key=self._when)

    def sort_by_latest(self) -> None:
        """Threads by when the latest letter of each arrived."""
        arrived = [(letter.received << 32) + letter.uid for letter in self._letters]
        latest = {}
        for root in self._roots:
            nodes = [node for node, _ in self._walk([root])] if root in self._below else [root]
            latest[root] = max([arrived[place] for node in nodes if (place := self._holds[node]) != _NONE])
        self._roots.sort(key=latest.__getitem__)

    def forest(self) -> Forest:
        """The trees as they are told."""
        uids, depths = [], []
        for root in self._roots:
            for node, depth in self._walk([root]) if root in self._below else ((root, 0),):
                place = self._holds[node]
                uids.append(0 if place == _NONE else self._letters[place].uid)
                depths.append(depth)
        return Forest(uids, depths)

    def _walk(self, roots: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Nodes with their depths, each before those below it."""
        waiting = [(root, 0) for root in reversed(roots)]
        while waiting:
            node, depth = waiting.pop()
            yield node, depth
            below = self._below.get(node)
            if below:
                waiting += [(each, depth + 1) for each in reversed(below)]
