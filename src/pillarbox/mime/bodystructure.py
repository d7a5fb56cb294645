"""BODY and BODYSTRUCTURE: the very bytes IMAP sends. RFC 9051 section 7.5.2. Always valid IMAP."""

from pillarbox.mime.envelope import envelope
from pillarbox.mime.imapstring import nstring, string
from pillarbox.mime.message import Disposition, Message, Part
from pillarbox.mime.parameter import Params


def bodystructure(message: Message, extended: bool) -> bytes:
    """The BODYSTRUCTURE (`extended`) or the BODY of a letter."""
    return structures(message)[extended]


def structures(message: Message) -> tuple[bytes, bytes]:
    """Both forms at once: (BODY, BODYSTRUCTURE)."""
    return _body(message.root)


def _body(part: Part) -> tuple[bytes, bytes]:
    """body = "(" (body-type-1part / body-type-mpart) ")" """
    if part.children:
        plain, extended = _multipart(part)
    else:
        plain, extended = _single(part)
    return b"(%b)" % plain, b"(%b %b)" % (extended, _extension(part))


def _multipart(part: Part) -> tuple[bytes, bytes]:
    """body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]"""
    children = [_body(child) for child in part.children]
    subtype = string(part.subtype)
    return (
        b"%b %b" % (b"".join([plain for plain, _ in children]), subtype),
        b"%b %b %b" % (b"".join([extended for _, extended in children]), subtype, _params(part.params)),
    )


def _single(part: Part) -> tuple[bytes, bytes]:
    """body-type-1part = (body-type-basic / body-type-msg / body-type-text) [SP body-ext-1part]"""
    header = part.header
    plain = b"%b %b %b %b %b %b %d" % (
        string(part.type),
        string(part.subtype),
        _params(part.params),
        nstring(part.content_id) if b"content-id" in header else b"NIL",
        nstring(part.description) if b"content-description" in header else b"NIL",
        string(part.encoding),
        part.end - part.body_start,
    )
    md5 = nstring(part.md5) if b"content-md5" in header else b"NIL"
    if part.message is not None:
        inner, inner_extended = structures(part.message)
        letter = envelope(part.message)
        return (
            b"%b %b %b %d" % (plain, letter, inner, part.lines),
            b"%b %b %b %d %b" % (plain, letter, inner_extended, part.lines, md5),
        )
    if part.type == b"text":
        plain = b"%b %d" % (plain, part.lines)
    return plain, b"%b %b" % (plain, md5)


def _extension(part: Part) -> bytes:
    """body-fld-dsp SP body-fld-lang SP body-fld-loc"""
    header = part.header
    return b"%b %b %b" % (
        _disposition(part.disposition) if b"content-disposition" in header else b"NIL",
        _language(part.language) if b"content-language" in header else b"NIL",
        nstring(part.location) if b"content-location" in header else b"NIL",
    )


def _params(params: Params) -> bytes:
    """body-fld-param = "(" string SP string *(SP string SP string) ")" / nil"""
    if not params:
        return b"NIL"
    return b"(%b)" % b" ".join([b"%b %b" % (string(name), string(value)) for name, value in params])


def _disposition(value: Disposition | None) -> bytes:
    """body-fld-dsp = "(" string SP body-fld-param ")" / nil"""
    if value is None:
        return b"NIL"
    return b"(%b %b)" % (string(value[0]), _params(value[1]))


def _language(tags: tuple[bytes, ...]) -> bytes:
    """body-fld-lang = nstring / "(" string *(SP string) ")" """
    if not tags:
        return b"NIL"
    if len(tags) == 1:
        return string(tags[0])
    return b"(%b)" % b" ".join([string(tag) for tag in tags])
