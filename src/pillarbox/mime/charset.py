"""Bytes to text, whatever the letter claims its character set to be. Never raises, never gives lone surrogates."""

import codecs
import re
from encodings.aliases import aliases

_RENAMED = {
    "us_ascii": "utf_8",
    "ascii": "utf_8",
    "ansi_x3_4_1968": "utf_8",
    "iso_8859_1": "cp1252",
    "iso8859_1": "cp1252",
    "latin1": "cp1252",
    "latin_1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x_gbk": "gb18030",
    "ks_c_5601_1987": "cp949",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "x_sjis": "cp932",
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "iso_8859_6_i": "iso8859_6",
    "unicode_1_1_utf_7": "utf_7",
    "cp_850": "cp850",
    "windows_874": "cp874",
    "x_mac_roman": "mac_roman",
}
"""Charsets whose senders mean a larger one, and names that Python does not know."""

_NOT_CHARSETS = frozenset({"rot_13", "mbcs", "tactis"})

# Only these are ever looked up: a lookup of an unknown name searches the disk and is remembered for ever.
_CODECS = {
    name: codec
    for name, codec in [
        *aliases.items(),
        *((codec, codec) for codec in aliases.values()),
        *((codec, codec) for codec in ("cp720", "cp737", "cp856", "cp874", "cp875", "koi8_u", "koi8_t", "utf_8_sig")),
    ]
    if not codec.endswith("_codec") and codec not in _NOT_CHARSETS
}

_ASCII_COMPATIBLE = frozenset({"", "us-ascii", "ascii", "utf-8", "utf8", "iso-8859-1", "windows-1252", "iso-8859-15"})

_PUNCTUATION = re.compile(r"[^a-z0-9]+")


def decode(data: bytes, charset: bytes | None = None, *, cut: bool = False) -> str:
    """The text of `data`; `cut` says that it may end in the middle of a character, which is then left out.

    A charset that is unknown or does not fit gives way to UTF-8, and that to Windows-1252.
    """
    name = charset.decode("ascii", "replace").strip().lower() if charset else ""
    if data.isascii() and name in _ASCII_COMPATIBLE:
        return data.decode("ascii")
    plain = _PUNCTUATION.sub("_", name)
    codec = _CODECS.get(_RENAMED.get(plain, plain), "utf_8")
    for attempt in (codec, "utf_8") if codec != "utf_8" else (codec,):
        text = _try(data, attempt, cut)
        if text is not None:
            return text
    return _western(data)


def guess(data: bytes) -> str:
    """Header bytes without a named charset: ASCII, UTF-8 (RFC 6532), or else Windows-1252."""
    if data.isascii():
        return data.decode("ascii")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _western(data)


def _try(data: bytes, codec: str, cut: bool) -> str | None:
    try:
        if cut and codec != "cp1252":
            text = codecs.getincrementaldecoder(codec)().decode(data, False)
        else:
            text = data.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None
    if codec == "utf_7":
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _western(data: bytes) -> str:
    """Windows-1252, whose five unused codes stand for themselves."""
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")
