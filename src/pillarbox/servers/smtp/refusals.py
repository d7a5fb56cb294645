"""The one place where a `Failure` becomes a reply, a log line and a count.

The codes are those of `wire.smtp.errors`, but for AUTH, which has its own for a few kinds (RFC 4954 sections 4 and 6).
A stranger who collects refusals, guessing addresses, is sent away when he has as many as a client may make mistakes:
they count as one. People who logged in and the trusted LMTP peer are not held to that.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pillarbox.base import metrics
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.servers.smtp.client import Client
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import Auth, AuthResponse, Mail, Rcpt, SmtpEvent
from pillarbox.wire.smtp.errors import Codes, failure_reply
from pillarbox.wire.smtp.replies import LmtpReplies, Reply, reply
from pillarbox.wire.smtp.state import Role

MAX_FAILED_LOGINS = 5

TOO_MANY_LOGINS = reply(421, "4.7.0", "Too many failed logins, closing the connection")

AUTH_CODES: Mapping[FailureKind, Codes] = MappingProxyType(
    {
        FailureKind.INVALID: Codes(501, "5.5.2"),
        FailureKind.NOT_ALLOWED: Codes(535, "5.7.8"),
        FailureKind.DISABLED: Codes(535, "5.7.13"),
        FailureKind.PRIVACY_REQUIRED: Codes(538, "5.7.11"),
        FailureKind.UNSUPPORTED: Codes(504, "5.5.4"),
        FailureKind.UNAVAILABLE: Codes(454, "4.7.0"),
    }
)
"""Where AUTH answers otherwise than the rest."""


def refuse(client: Client, event: SmtpEvent, failure: Failure) -> None:
    """Answers an event that failed: a login, MAIL, RCPT, or the end of a message or chunk."""
    client.services.counters.count(metrics.FAILURES, protocol=client.protocol, kind=failure.kind.value)
    if isinstance(event, Auth | AuthResponse):
        _refuse_login(client, failure)
    elif isinstance(event, Rcpt):
        client.services.counters.count(metrics.RECIPIENTS_REJECTED, protocol=client.protocol, reason=failure.kind.value)
        log_failure(client, "recipient refused", failure, recipient=str(event.forward_path), **_sender(client))
        client.send(_counted(client, failure))
    elif isinstance(event, Mail):
        log_failure(client, "sender refused", failure, sender=str(event.reverse_path))
        client.send(_counted(client, failure))
    else:
        log_failure(client, "message refused", failure, **_sender(client))
        end_refused(client, failure.kind.value, failure_reply(failure.kind, failure.public))


def end_refused(client: Client, reason: str, answer: Reply) -> None:
    """Counts a refused message and gives all the answers that are due for it: in LMTP one for each recipient."""
    client.services.counters.count(metrics.MESSAGES_REJECTED, protocol=client.protocol, reason=reason)
    client.forget_transaction()
    due = client.session.replies_due
    client.send(answer if due == 1 else LmtpReplies((answer,) * due))


def log_failure(client: Client, event: str, failure: Failure, **fields: object) -> None:
    """One line for what was refused; the cause is for the operator only."""
    cause = failure.cause or failure.__cause__
    if cause is not None:
        fields["cause"] = repr(cause)
    client.connection.log(event, kind=failure.kind.value, reason=failure.public, **fields)


def _sender(client: Client) -> dict[str, object]:
    return {"sender": client.transaction.mail.reverse_path} if client.transaction is not None else {}


def _counted(client: Client, failure: Failure) -> Reply:
    """The reply, or 421 where a stranger has had enough of them."""
    answer = failure_reply(failure.kind, failure.public)
    if answer.code < 500 or client.role is not Role.SMTP:
        return answer
    session = client.session
    session.errors += 1
    return answer if session.errors <= session.config.max_errors else replies.TOO_MANY_ERRORS


def _refuse_login(client: Client, failure: Failure) -> None:
    """The log line was written by `servers.login`."""
    client.login = None
    client.services.counters.count(metrics.LOGINS, protocol=client.protocol, outcome="failed")
    if failure.kind is not FailureKind.UNAVAILABLE:
        client.failed_logins += 1
    if client.failed_logins >= MAX_FAILED_LOGINS:
        client.send(TOO_MANY_LOGINS)
        return
    codes = AUTH_CODES.get(failure.kind)
    client.send(reply(*codes, failure.public) if codes is not None else failure_reply(failure.kind, failure.public))
