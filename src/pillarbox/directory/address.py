"""Mail addresses as the directory compares them (RFC 5321 section 4.1.2, RFC 6531 section 3.3).

An `Address` keeps the local part as it was written (without quotes it does not need) and the domain as lower-case
A-labels. Its `key` is what is compared and stored as an identity: the local part case-folded in Unicode NFC.

Raises Failure(INVALID) with one sentence that says what is wrong. Does not know which domains are ours, and does
not judge whether a domain exists.
"""

import re
import unicodedata
from typing import NamedTuple

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure

LONGEST_LOCAL = 64
LONGEST_DOMAIN = 253

_PLAIN = re.compile(r"([a-z0-9_=+-]+(?:\.[a-z0-9_=+-]+)*)@((?:[a-z0-9]+(?:-+[a-z0-9]+)*\.)*[a-z0-9]+(?:-+[a-z0-9]+)*)")
_DOT_STRING = re.compile(r"[^\s\x00-\x20\x7f-\x9f\"(),.:;<>@\[\\\]]+(?:\.[^\s\x00-\x20\x7f-\x9f\"(),.:;<>@\[\\\]]+)*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_LITERAL = re.compile(r"\[[0-9A-Za-z:.-]+\]")


class Address(NamedTuple):
    """One mailbox: `local` as written and unquoted, `domain` as A-labels or an address literal in brackets."""

    local: str
    domain: str

    @property
    def key(self) -> str:
        """What two spellings of one address have in common."""
        return key_of(self.local, self.domain)

    @property
    def text(self) -> str:
        """The address as it stands in an envelope, the local part quoted where it must be."""
        return f"{quoted(self.local)}@{self.domain}"


def key_of(local: str, domain: str) -> str:
    """The key of a local part (unquoted) at a domain that is already in A-labels."""
    if local.isascii():
        return f"{quoted(local.lower())}@{domain}"
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold())
    return f"{quoted(folded)}@{domain}"


def quoted(local: str) -> str:
    """A local part as it is written, in quotes where it is not a dot-string."""
    if _DOT_STRING.fullmatch(local):
        return local
    return '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_address(text: str) -> Address:
    """The address in `text` (local-part@domain, without brackets)."""
    if len(text) <= LONGEST_LOCAL and (plain := _PLAIN.fullmatch(text)):
        if max(map(len, plain[2].split("."))) <= 63:
            return Address(plain[1], plain[2])
        raise _invalid(f"{text}: a part of the domain is longer than 63 characters")
    local, at, domain = text.rpartition("@")
    if not at or not local:
        raise _invalid(f"{_shown(text)} is not an address: it must look like name@example.org")
    return Address(_local_part(local, text), parse_domain(domain))


def parse_domain(text: str) -> str:
    """A domain as lower-case A-labels; an address literal is kept in brackets."""
    if _LITERAL.fullmatch(text):
        return text.lower()
    domain = text.removesuffix(".")
    if not domain or len(domain) > LONGEST_DOMAIN:
        raise _invalid(f"{_shown(text)} is not a domain: it must have 1 to {LONGEST_DOMAIN} characters")
    if domain.isascii():
        domain = domain.lower()
    else:
        try:
            domain = unicodedata.normalize("NFC", domain).encode("idna").decode("ascii").lower()
        except UnicodeError:
            raise _invalid(f"{_shown(text)} is not a domain: it cannot be written in A-labels (IDNA)") from None
    if len(domain) > LONGEST_DOMAIN or not all(map(_LABEL.fullmatch, domain.split("."))):
        raise _invalid(
            f"{_shown(text)} is not a domain: its parts are letters, digits and inner hyphens, 1 to 63 of them each"
        )
    return domain


def split_detail(local: str, separator: str) -> tuple[str, str] | None:
    """The name and the detail of a sub-addressed local part (RFC 5233), None where there is no separator in it."""
    if not separator:
        return None
    base, found, detail = local.partition(separator)
    return (base, detail) if found and base else None


def _local_part(local: str, text: str) -> str:
    if len(local.encode("utf-8", "replace")) > LONGEST_LOCAL and not local.startswith('"'):
        raise _invalid(f"{_shown(text)}: the part before the @ is longer than {LONGEST_LOCAL} octets")
    if match := _QUOTED.fullmatch(local):
        local = re.sub(r"\\(.)", r"\1", match[1])
        if len(local.encode("utf-8", "replace")) > LONGEST_LOCAL:
            raise _invalid(f"{_shown(text)}: the part before the @ is longer than {LONGEST_LOCAL} octets")
    elif not _DOT_STRING.fullmatch(local):
        raise _invalid(f"{_shown(text)}: the part before the @ has a character or dot that is only allowed in quotes")
    if not local.isprintable():
        raise _invalid(f"{_shown(text)}: the part before the @ has a control character")
    return local


def _shown(text: str) -> str:
    """`text` for a sentence, short and without anything that could upset a terminal."""
    shown = text if len(text) <= 100 else text[:100] + "…"
    return shown if shown and shown.isprintable() else repr(shown)


def _invalid(sentence: str) -> Failure:
    return Failure(FailureKind.INVALID, sentence)
