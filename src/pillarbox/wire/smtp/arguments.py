"""From a verb's argument to its command: one parser per verb (RFC 5321 section 4.1.1 and the extensions' RFCs).

A parser takes the text behind the verb (no control characters, no trailing spaces) and answers the command, or the
`Reply` that refuses it. What depends on the session, such as what is offered or allowed now, is not checked here.
"""

from collections.abc import Callable, Mapping

from pillarbox.wire.sasl.framing import Framing, decode_initial
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import (
    Auth,
    Bdat,
    Command,
    DataStart,
    Expand,
    Hello,
    Help,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Verify,
)
from pillarbox.wire.smtp.grammar import (
    esmtp_parameters,
    forward_path,
    hello_domain,
    notify_esmtp_value,
    original_recipient_address,
    reverse_path,
    size_value,
    xtext,
)
from pillarbox.wire.smtp.replies import Reply
from pillarbox.wire.smtp.state import Verb

_BODIES = ("7BIT", "8BITMIME", "BINARYMIME")
_RETS = ("FULL", "HDRS")
_MAIL_KEYWORDS = frozenset({"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"})
_RCPT_KEYWORDS = frozenset({"NOTIFY", "ORCPT"})


def _hello(verb: str, text: str) -> Command | Reply:
    name = hello_domain(text)
    return Hello(verb, name) if name is not None else replies.HELLO_SYNTAX


def mail(text: str) -> Mail | Reply:
    """mail = "MAIL FROM:" Reverse-path [SP Mail-parameters] (RFC 5321 section 4.1.1.2)"""
    if text[:5].upper() != "FROM:":
        return replies.MAIL_SYNTAX
    found = reverse_path(text[5:])
    if found is None:
        return replies.BAD_SENDER
    path, rest = found
    if not rest:
        return Mail(path)
    parameters = esmtp_parameters(rest)
    if parameters is None:
        return replies.BAD_PARAMETERS
    if not _MAIL_KEYWORDS.issuperset(parameters):
        return replies.UNKNOWN_PARAMETER
    return _mail_with(Mail(path), parameters)


def _mail_with(command: Mail, parameters: dict[str, str]) -> Mail | Reply:
    """SIZE (RFC 1870), BODY (RFC 6152, RFC 3030), SMTPUTF8 (RFC 6531), RET and ENVID (RFC 3461), AUTH (RFC 4954)."""
    size = size_value(parameters["SIZE"]) if "SIZE" in parameters else None
    body = parameters.get("BODY", "7BIT").upper()
    ret = parameters.get("RET", "FULL").upper()
    envid, auth = parameters.get("ENVID", "-"), parameters.get("AUTH", "<>")
    if (
        ("SIZE" in parameters and size is None)
        or body not in _BODIES
        or ret not in _RETS
        or parameters.get("SMTPUTF8", "")
        or not (envid and len(envid) <= 100 and xtext(envid))
        or not (auth == "<>" or (auth and xtext(auth)))
    ):
        return replies.BAD_PARAMETERS
    return command._replace(
        size=size,
        body=body,
        smtputf8="SMTPUTF8" in parameters,
        ret=ret if "RET" in parameters else "",
        envid=parameters.get("ENVID", ""),
        auth=parameters.get("AUTH", ""),
    )


def rcpt(text: str) -> Rcpt | Reply:
    """rcpt = "RCPT TO:" ( "<Postmaster>" / Forward-path ) [SP Rcpt-parameters] (RFC 5321 section 4.1.1.3)"""
    if text[:3].upper() != "TO:":
        return replies.RCPT_SYNTAX
    found = forward_path(text[3:])
    if found is None:
        return replies.BAD_RECIPIENT
    path, rest = found
    if not rest:
        return Rcpt(path)
    parameters = esmtp_parameters(rest)
    if parameters is None:
        return replies.BAD_PARAMETERS
    if not _RCPT_KEYWORDS.issuperset(parameters):
        return replies.UNKNOWN_PARAMETER
    notify = notify_esmtp_value(parameters["NOTIFY"]) if "NOTIFY" in parameters else ""
    orcpt = parameters.get("ORCPT", "")
    if notify is None or ("ORCPT" in parameters and not original_recipient_address(orcpt)):
        return replies.BAD_PARAMETERS
    return Rcpt(path, notify, orcpt)


def bdat(text: str) -> Bdat | Reply:
    """bdat-cmd = "BDAT" SP chunk-size [SP end-marker] (RFC 3030 section 2)"""
    words = text.split()
    size = size_value(words[0]) if words else None
    if size is None or len(words) > 2 or (len(words) == 2 and words[1].upper() != "LAST"):
        return replies.BDAT_SYNTAX
    return Bdat(size, len(words) == 2)


def auth(text: str) -> Auth | Reply:
    """auth-command = "AUTH" SP sasl-mech [SP initial-response] (RFC 4954 section 8)"""
    words = text.split()
    if not text.isascii() or not 1 <= len(words) <= 2:
        return replies.AUTH_SYNTAX
    initial = decode_initial(words[1].encode()) if len(words) == 2 else None
    if isinstance(initial, Framing):
        return replies.AUTH_MALFORMED
    return Auth(words[0].upper(), initial)


def _verify(text: str) -> Command | Reply:
    return Verify(text) if text else replies.VERIFY_SYNTAX


def _expand(text: str) -> Command | Reply:
    return Expand(text) if text else replies.VERIFY_SYNTAX


def _alone(command: Command) -> Callable[[str], Command | Reply]:
    return lambda text: replies.NO_ARGUMENT_ALLOWED if text else command


PARSERS: Mapping[Verb, Callable[[str], Command | Reply]] = {
    Verb.EHLO: lambda text: _hello("EHLO", text),
    Verb.HELO: lambda text: _hello("HELO", text),
    Verb.LHLO: lambda text: _hello("LHLO", text),
    Verb.STARTTLS: _alone(StartTls()),
    Verb.AUTH: auth,
    Verb.MAIL: mail,
    Verb.RCPT: rcpt,
    Verb.DATA: _alone(DataStart()),
    Verb.BDAT: bdat,
    Verb.RSET: _alone(Rset()),
    Verb.VRFY: _verify,
    Verb.EXPN: _expand,
    Verb.HELP: Help,
    Verb.NOOP: lambda text: Noop(),
    Verb.QUIT: _alone(Quit()),
}
