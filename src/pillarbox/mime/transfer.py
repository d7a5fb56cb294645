"""Content transfer encodings (RFC 2045 section 6), tolerant of everything. Never raises, linear."""

import binascii
import re

_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64)
_PADDING = re.compile(rb"=+")
_BLANK_AT_END = re.compile(rb"[ \t]\r?\n")
_IDENTITY = frozenset({b"", b"7bit", b"8bit", b"binary", b"7-bit", b"8-bit"})
_UUENCODE = frozenset({b"x-uuencode", b"x-uue", b"uuencode", b"uue"})


def decode(data: bytes, encoding: bytes) -> bytes | None:
    """The content behind an encoding named in lower case; None when the encoding is not known."""
    if encoding in _IDENTITY:
        return data
    if encoding == b"base64":
        return decode_base64(data)
    if encoding == b"quoted-printable":
        return decode_quoted_printable(data)
    if encoding in _UUENCODE:
        return decode_uuencode(data)
    return None


def decode_base64(data: bytes) -> bytes:
    """Characters outside the alphabet are skipped, missing padding is supplied, and text after padding is
    taken as a further run of base64 (two encodings stuck together)."""
    runs = [run for run in _PADDING.split(data.translate(None, _NOT_BASE64)) if run]
    return b"".join([_base64_run(run) for run in runs])


def _base64_run(run: bytes) -> bytes:
    """Decode characters of the alphabet alone, of any number."""
    spare = len(run) % 4
    if spare == 1:  # six bits make no byte
        run, spare = run[:-1], 0
    return binascii.a2b_base64(run + b"==="[: (4 - spare) % 4])


def decode_quoted_printable(data: bytes) -> bytes:
    """White space at line ends is dropped, as RFC 2045 section 6.7 asks; a wrong escape stands for itself."""
    if _BLANK_AT_END.search(data):
        lines = data.split(b"\n")
        data = b"\n".join(
            [line[:-1].rstrip(b" \t") + b"\r" if line[-1:] == b"\r" else line.rstrip(b" \t") for line in lines[:-1]]
            + lines[-1:]
        )
    return binascii.a2b_qp(data)


def decode_uuencode(data: bytes) -> bytes:
    """The lines between `begin` and `end`; lines that do not decode are skipped."""
    out: list[bytes] = []
    inside = False
    for line in data.splitlines():
        if not inside:
            inside = line.startswith(b"begin ")
            continue
        if line.strip() == b"end":
            break
        if not line:
            continue
        length = (line[0] - 32) & 63
        try:
            decoded = binascii.a2b_uu(line[: 1 + (length * 4 + 5) // 3])
        except binascii.Error:
            continue
        out.append(decoded[: (len(line) - 1) * 3 // 4])  # a line cut short is filled up with zeros
    return b"".join(out)
