"""The commands of a transaction: MAIL, RCPT, DATA and BDAT, and the answer to the message.

What was answered 250 at the end of a message is committed. In SMTP one answer stands for all recipients: 250 only
where it is kept for all of them, else a temporary refusal if any is temporary, else a permanent one
(docs/decisions/0011-one-answer-for-all.md). In LMTP each accepted RCPT gets its own, in order (RFC 2033 section 4.2).
"""

from collections.abc import Sequence

from pillarbox.base import metrics
from pillarbox.model.failure import Failure
from pillarbox.model.transaction import DsnRequest, MailFrom
from pillarbox.servers.smtp import refusals
from pillarbox.servers.smtp.client import Client
from pillarbox.servers.smtp.origin import origin_of
from pillarbox.servers.smtp.transaction import Transaction
from pillarbox.wire.smtp import replies
from pillarbox.wire.smtp.commands import BdatChunkEnd, BodyChunk, BodyEnd, BodyFailed, DataStart, Mail, Rcpt
from pillarbox.wire.smtp.errors import failure_reply
from pillarbox.wire.smtp.replies import LmtpReplies, Reply, reply

_NO_WISHES = DsnRequest()


async def mail(client: Client, event: Mail) -> None:
    """MAIL: a transaction begins."""
    path, size, body, smtputf8, ret, envid, _ = event
    wanted = MailFrom(str(path), ret, envid, smtputf8, body, size or 0)
    origin = origin_of(client, smtputf8)
    await client.services.intake.check_sender(wanted, origin)
    client.forget_transaction()
    client.transaction = Transaction(wanted, origin)
    client.send(replies.SENDER_OK)


async def rcpt(client: Client, event: Rcpt) -> None:
    """RCPT."""
    transaction = _current(client)
    path, notify, orcpt = event
    wishes = DsnRequest(notify, orcpt) if notify or orcpt else _NO_WISHES
    addressee = await client.services.intake.check_recipient(str(path), wishes, transaction.mail, transaction.origin)
    transaction.addressees.append(addressee)
    client.send(replies.RECIPIENT_OK)


async def data(client: Client, _: DataStart) -> None:
    """DATA."""
    client.send(replies.START_MAIL_INPUT)


async def chunk(client: Client, event: BodyChunk) -> None:
    """A piece of the message; not answered."""
    services = client.services
    _current(client).add(event.data, services.spool, services.settings.spool_above)


async def chunk_end(client: Client, event: BdatChunkEnd) -> None:
    """A BDAT that is not the last."""
    _current(client).check()
    client.send(reply(250, "2.0.0", f"{event.size} octets received"))


async def failed(client: Client, event: BodyFailed) -> None:
    """The message broke a rule of the wire and is gone."""
    answer = event.reply
    sender = _current(client).mail.reverse_path
    reason = "too-large" if answer is replies.MESSAGE_TOO_LARGE else "invalid"
    client.connection.log("message refused", kind=reason, reason=answer.text, sender=sender)
    refusals.end_refused(client, reason, answer)


async def end(client: Client, event: BodyEnd) -> None:
    """The message is complete: it is taken over, or not."""
    transaction, services = _current(client), client.services
    began = services.clock.monotonic()
    outcomes = await services.intake.accept(
        transaction.mail, tuple(transaction.addressees), transaction.body(), transaction.origin
    )
    client.forget_transaction()
    kept = outcomes.count(None)
    name = transaction.origin.message
    if kept:
        client.messages += 1
        client.connection.log(
            "message accepted",
            sender=transaction.mail.reverse_path,
            recipients=kept,
            size=event.size,
            ms=round((services.clock.monotonic() - began) * 1000, 1),
            id=name,
        )
        services.counters.count(metrics.MESSAGES_ACCEPTED, protocol=client.protocol)
        services.counters.count(metrics.MESSAGE_OCTETS, event.size, protocol=client.protocol)
    accepted = reply(250, "2.0.0", f"Ok: kept as {name}")
    answers = [accepted if failure is None else failure_reply(failure.kind, failure.public) for failure in outcomes]
    if kept < len(outcomes):
        _report(client, transaction, outcomes)
    client.send(LmtpReplies(tuple(answers)) if client.session.lmtp else one_answer(answers))


def one_answer(answers: Sequence[Reply]) -> Reply:
    """The answer that stands for all: the first temporary one, else the first refusal, else that all is well."""
    refused = [answer for answer in answers if answer.code >= 400]
    return next((answer for answer in refused if answer.code < 500), refused[0] if refused else answers[0])


def _report(client: Client, transaction: Transaction, outcomes: Sequence[Failure | None]) -> None:
    """Logs and counts the recipients for whom a message was not kept."""
    protocol, counters = client.protocol, client.services.counters
    for addressee, failure in zip(transaction.addressees, outcomes, strict=True):
        if failure is not None:
            kind = failure.kind.value
            counters.count(metrics.RECIPIENTS_REJECTED, protocol=protocol, reason=kind)
            refusals.log_failure(
                client,
                "recipient refused after the message",
                failure,
                recipient=addressee.address,
                sender=transaction.mail.reverse_path,
            )
    if None not in outcomes:
        first = next(failure.kind.value for failure in outcomes if failure is not None)
        counters.count(metrics.MESSAGES_REJECTED, protocol=protocol, reason=first)


def _current(client: Client) -> Transaction:
    assert client.transaction is not None, "the session allows this only after MAIL was accepted"
    return client.transaction
