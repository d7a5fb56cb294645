"""Trace fields: what a server writes on top of a letter, and reads back to find loops. RFC 5321 section 4.4."""

import re
from typing import NamedTuple

from pillarbox.mime.date import rfc5322_date
from pillarbox.mime.header import split, unfold

_RECEIVED = re.compile(rb"^Received[ \t]*:", re.IGNORECASE | re.MULTILINE)
_UNSAFE = re.compile(rb"[^!-~\x80-\xff]|[()<>;\\]")
_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
_WIDTH = 78


class Hop(NamedTuple):
    """One passage of a letter through a server; texts are what the peer said and are cleaned before use.

    `protocol` is a keyword of RFC 3848 such as b"ESMTPSA"; `recipient` is given only when there is one alone;
    `cipher` is a phrase such as b"TLSv1.3 TLS_AES_256_GCM_SHA384", or b"".
    """

    helo: bytes
    client_name: bytes
    client_address: bytes
    by: bytes
    protocol: bytes
    id: bytes
    recipient: bytes
    cipher: bytes
    at: int


def received(hop: Hop) -> bytes:
    """Time-stamp-line = "Received:" FWS Stamp CRLF, folded, with its CRLF."""
    client = b" ".join(filter(None, (_clean(hop.client_name), _literal(hop.client_address))))
    clauses = [b"from %b" % (_clean(hop.helo) or b"unknown")]
    if client:
        clauses.append(b"(%b)" % client)
    if hop.cipher:
        clauses.append(b"(using %b)" % b" ".join([_clean(word) for word in hop.cipher.split()]))
    clauses += [b"by %b" % _clean(hop.by), b"with %b" % _clean(hop.protocol), b"id %b" % _clean(hop.id)]
    if hop.recipient:
        clauses.append(b"for <%b>" % _clean(hop.recipient))
    clauses[-1] += b";"
    clauses.append(rfc5322_date(hop.at))
    return _fold(b"Received:", clauses)


def return_path(sender: bytes) -> bytes:
    """Return-path-line = "Return-Path:" FWS Reverse-path CRLF; `sender` is b"" for the null path."""
    return b"Return-Path: <%b>\r\n" % _path(sender)


def delivered_to(recipient: bytes) -> bytes:
    """The field that marks a delivery, so that mail which comes back to the same person is seen."""
    return b"Delivered-To: %b\r\n" % _path(recipient)


def count_received(header: bytes) -> int:
    """How many servers the letter says it has passed. RFC 5321 section 6.3."""
    return len(_RECEIVED.findall(header))


def find_delivered_to(header: bytes) -> tuple[bytes, ...]:
    """The values of Delivered-To, topmost first."""
    return tuple([unfold(value) for _, name, value in split(header) if name.lower() == b"delivered-to"])


def _clean(text: bytes) -> bytes:
    """Without white space, controls, brackets and semicolons, which would change the meaning of the field."""
    return _UNSAFE.sub(b"", text)


def _path(mailbox: bytes) -> bytes:
    """An address; a quoted local part may hold all but controls."""
    return _CONTROLS.sub(b"", mailbox) if b'"' in mailbox else _clean(mailbox)


def _literal(ip: bytes) -> bytes:
    """An address as the inside of an address literal. RFC 5321 section 4.1.3."""
    if not ip:
        return b""
    return b"[%b%b]" % (b"IPv6:" if b":" in ip else b"", _clean(ip))


def _fold(name: bytes, clauses: list[bytes]) -> bytes:
    lines = [name]
    for clause in clauses:
        if len(lines[-1]) + 1 + len(clause) > _WIDTH and lines[-1] != name:
            lines.append(b"\t" + clause)
        else:
            lines[-1] += b" " + clause
    return b"\r\n".join(lines) + b"\r\n"
