"""The grammar of SMTP's arguments: paths, domains, parameters, xtext (RFC 5321 section 4.1.2, RFC 6531, RFC 3461).

Every function takes text without control characters and answers None where the text does not follow its rule;
nothing raises. All expressions are free of backtracking, so time is linear in the text.

Where we are more lenient than the letter, since real mail needs it: spaces between "FROM:" or "TO:" and the path;
"_" in domains; "=" inside parameter values; local parts longer than 64 octets (return addresses that encode the
recipient). Source routes are read and ignored, as RFC 5321 appendix C asks.
"""

import ipaddress
import re
from typing import NamedTuple

_UTF8 = "\\u0080-\\U0010ffff"
_ATOM = rf"[A-Za-z0-9!#$%&'*+/=?^_`{{|}}~\-{_UTF8}]++"
_DOT_STRING = rf"{_ATOM}(?>(?:\.{_ATOM})*)"
_QUOTED_STRING = rf'"(?>(?:[ !#-\[\]-~{_UTF8}]|\\[ -~])*)"'
_SUB_DOMAIN = rf"[A-Za-z0-9_{_UTF8}]++(?>(?:-++[A-Za-z0-9_{_UTF8}]++)*)"
_DOMAIN = rf"{_SUB_DOMAIN}(?>(?:\.{_SUB_DOMAIN})*)"
_ADDRESS_LITERAL = r"\[[A-Za-z0-9:.]++\]"

_DOT_STRING_ONLY = re.compile(_DOT_STRING)
_DOMAIN_ONLY = re.compile(_DOMAIN)
_HELLO = re.compile(r"[^\s]{1,255}")
_PATH = re.compile(
    rf"<(?:@{_DOMAIN}(?>(?:,@{_DOMAIN})*):)?"
    rf"(?P<local>{_DOT_STRING}|{_QUOTED_STRING})@(?P<domain>{_DOMAIN}|{_ADDRESS_LITERAL})>(?P<rest>(?: .*)?)"
)
_NO_DOMAIN = re.compile(r"<(?P<local>postmaster)>(?P<rest>(?: .*)?)", re.IGNORECASE)
_PARAMETER = re.compile(r"(?P<keyword>[A-Za-z0-9][A-Za-z0-9-]*+)(?:=(?P<value>[^ ]++))?")
_XTEXT = re.compile(r"(?>(?:[!-*,-<>-~]|\+[0-9A-Fa-f]{2})*)")
_XTEXT_CODE = re.compile(r"\+([0-9A-Fa-f]{2})")
_QUOTED_PAIR = re.compile(r"\\(.)")
_ORCPT = re.compile(rf"[A-Za-z0-9-]++;[!-~{_UTF8}]++")
_NOTIFY_WORDS = frozenset({"SUCCESS", "FAILURE", "DELAY"})


class Path(NamedTuple):
    """A mailbox. `local` is without quotes; `domain` as it was written, an address literal with its brackets.

    The null reverse-path is `NULL_PATH`; "<Postmaster>" alone has an empty domain.
    """

    local: str
    domain: str

    def __str__(self) -> str:
        """local-part@domain, quoted where it must be; "" for the null path."""
        if not self.domain:
            return self.local
        local = self.local
        if _DOT_STRING_ONLY.fullmatch(local) is None:
            local = '"' + local.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return f"{local}@{self.domain}"


NULL_PATH = Path("", "")


class PathAndRest(NamedTuple):
    """A path and the parameters behind it, not yet split."""

    path: Path
    rest: str


def reverse_path(text: str) -> PathAndRest | None:
    """Reverse-path = Path / "<>" (RFC 5321 section 4.1.2)"""
    text = text.lstrip(" ")
    if text.startswith("<>"):
        rest = text[2:]
        return PathAndRest(NULL_PATH, rest) if not rest or rest[0] == " " else None
    return path(text)


def forward_path(text: str) -> PathAndRest | None:
    """Forward-path = Path, or "<Postmaster>" without a domain (RFC 5321 sections 4.1.1.3 and 4.1.2)"""
    text = text.lstrip(" ")
    match = _NO_DOMAIN.fullmatch(text)
    if match is not None:
        return PathAndRest(Path(match["local"], ""), match["rest"])
    return path(text)


def path(text: str) -> PathAndRest | None:
    """Path = "<" [ A-d-l ":" ] Mailbox ">" (RFC 5321 section 4.1.2)"""
    match = _PATH.fullmatch(text)
    if match is None:
        return None
    local, domain, rest = match.group("local", "domain", "rest")
    if local[0] == '"':
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
    if len(domain) > 255 or (domain[0] == "[" and not address_literal(domain)):
        return None
    return PathAndRest(Path(local, domain), rest)


def address_literal(text: str) -> bool:
    """address-literal = "[" ( IPv4-address-literal / IPv6-address-literal ) "]" (RFC 5321 section 4.1.3)"""
    inner = text[1:-1]
    try:
        if inner[:5].upper() == "IPV6:":
            ipaddress.IPv6Address(inner[5:])
        else:
            ipaddress.IPv4Address(inner)
    except ValueError:
        return False
    return True


def domain(text: str) -> bool:
    """Domain = sub-domain *("." sub-domain) (RFC 5321 section 4.1.2, with U-labels by RFC 6531 section 3.3)"""
    return len(text) <= 255 and _DOMAIN_ONLY.fullmatch(text) is not None


def hello_domain(text: str) -> str | None:
    """( Domain / address-literal ) of EHLO, HELO and LHLO; any one word, as clients send their bare names."""
    text = text.strip(" ")
    return text if text.isascii() and _HELLO.fullmatch(text) is not None else None


def esmtp_parameters(text: str) -> dict[str, str] | None:
    """Mail-parameters = esmtp-param *(SP esmtp-param) (RFC 5321 section 4.1.2)

    Keywords in capitals; "" where there is no value. None also for a keyword that comes twice.
    """
    parameters: dict[str, str] = {}
    for word in text.split(" "):
        if not word:
            continue
        match = _PARAMETER.fullmatch(word)
        if match is None:
            return None
        keyword = match["keyword"].upper()
        if keyword in parameters:
            return None
        parameters[keyword] = match["value"] or ""
    return parameters


def xtext(text: str) -> bool:
    """xtext = *( xchar / hexchar ) (RFC 3461 section 4)"""
    return _XTEXT.fullmatch(text) is not None


def xtext_decode(text: str) -> str | None:
    """The text in an xtext; None where it is none, or not UTF-8."""
    if not xtext(text):
        return None
    try:
        return _XTEXT_CODE.sub(lambda match: chr(int(match[1], 16)), text).encode("latin-1").decode()
    except UnicodeDecodeError:
        return None


def size_value(text: str) -> int | None:
    """size-value = 1*20DIGIT (RFC 1870 section 4)"""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None


def notify_esmtp_value(text: str) -> str | None:
    """notify-esmtp-value = "NEVER" / ( notify-list-element *( "," notify-list-element ) ) (RFC 3461 section 4.1)"""
    text = text.upper()
    if text == "NEVER" or _NOTIFY_WORDS.issuperset(text.split(",")):
        return text
    return None


def original_recipient_address(text: str) -> bool:
    """original-recipient-address = addr-type ";" xtext (RFC 3461 section 4.2, RFC 6533 section 3)"""
    return len(text) <= 500 and _ORCPT.fullmatch(text) is not None
