"""LIST patterns: `*` matches anything, `%` anything but the hierarchy delimiter (RFC 9051 section 6.3.9).

INBOX, alone or as the first level, is matched without regard to case. Time is linear in the name for any pattern:
all the places a match may have reached are kept in one integer, a bit for each, so nothing is tried twice.
"""

DELIMITER = "/"
_INBOX = "INBOX"


class ListPattern:
    """One pattern, prepared. `matches` tells whether a mailbox name (canonical: INBOX in capitals) fits."""

    __slots__ = ("_any", "_final", "_letters", "_level", "_prefix", "_tail", "text")

    def __init__(self, text: str) -> None:
        self.text = _collapse(text)
        wild = [index for index, char in enumerate(self.text) if char in "*%"]
        self._prefix = self.text[: wild[0]] if wild else self.text
        self._tail = ""  # the only wildcard, if it is the last character
        self._letters: dict[str, int] = {}
        self._any = self._level = self._final = 0
        if not wild:
            return
        if wild[0] == len(self.text) - 1:
            self._tail = self.text[-1]
            return
        self._final = 1 << len(self.text)
        for index, char in enumerate(self.text):
            if char == "*":
                self._any |= 1 << index
            elif char == "%":
                self._level |= 1 << index
            else:
                self._letters[char] = self._letters.get(char, 0) | 1 << index

    def matches(self, name: str) -> bool:
        """Whether the whole of `name` fits the pattern."""
        inbox = name[:5] == _INBOX and name[5:6] in ("", DELIMITER)
        if self._final:
            return self._walk(name, inbox)
        prefix = self._prefix
        if inbox:
            prefix = prefix[:5].upper() + prefix[5:]
        if not self._tail:
            return name == prefix
        return name.startswith(prefix) and (self._tail == "*" or DELIMITER not in name[len(prefix) :])

    def matching_parents(self, name: str) -> list[str]:
        """The levels above `name` that fit, top first: what LIST shows as \\NonExistent if they do not exist."""
        parents = []
        end = name.find(DELIMITER)
        while end >= 0:
            if end and self.matches(name[:end]):
                parents.append(name[:end])
            end = name.find(DELIMITER, end + 1)
        return parents

    def _walk(self, name: str, inbox: bool) -> bool:
        letters, anything, level = self._letters, self._any, self._level
        wild = anything | level
        places = 1
        for index, char in enumerate(name):
            places |= (places & wild) << 1
            here = letters.get(char, 0)
            if inbox and index < 5:
                here |= letters.get(char.lower(), 0)
            stay = places & (anything if char == DELIMITER else wild)
            places = (places & here) << 1 | stay
            if not places:
                return False
        places |= (places & wild) << 1
        return bool(places & self._final)


def join_reference(reference: str, pattern: str) -> str:
    """The pattern a LIST means: the reference in front of it (RFC 9051 section 6.3.9 leaves how to the server)."""
    if reference and reference[-1] == DELIMITER and pattern[:1] == DELIMITER:
        return reference + pattern[1:]
    return reference + pattern


def _collapse(text: str) -> str:
    """Join neighbouring wildcards: `*%` and `**` mean `*`, `%%` means `%`."""
    parts: list[str] = []
    for char in text:
        if char in "*%" and parts and parts[-1] in "*%":
            if char == "*":
                parts[-1] = "*"
        else:
            parts.append(char)
    return "".join(parts)
