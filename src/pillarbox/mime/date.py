"""Dates in headers, read tolerantly and written exactly. Times are microseconds since 1970 UTC. Never raises."""

import re
from datetime import UTC, date, datetime, timedelta

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_ZONES = {b"est": -5, b"edt": -4, b"cst": -6, b"cdt": -5, b"mst": -7, b"mdt": -6, b"pst": -8, b"pdt": -7}
_ZONES |= {
    b"cet": 1,
    b"cest": 2,
    b"met": 1,
    b"mest": 2,
    b"bst": 1,
    b"jst": 9,
    b"msk": 3,
    b"eet": 2,
    b"eest": 3,
}

_USUAL = re.compile(
    rb"\s*+(?:[A-Za-z]{3,9}\s*+[,.]?)?\s*+(\d{1,2})[\s-]++([A-Za-z]{3})[A-Za-z]*+\.?[\s-]*+(\d{2,4}),?\s++"
    rb"(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d*+)?)?\s*+(?:(?:GMT|UTC|UT)(?=[+-]))?([+-]\d{2}:?\d{2}|[A-Za-z]{1,5})?"
)
_ASCTIME = re.compile(
    rb"\s*+(?:[A-Za-z]{3,9},?\s++)?([A-Za-z]{3})[A-Za-z]*+\s++(\d{1,2}),?\s++"
    rb"(?:(\d{4}),?\s++)?(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s++([A-Za-z]{1,5}|[+-]\d{4}))?(?:\s++(\d{4}))?(?:\s++([+-]\d{4}))?"
)
_ISO = re.compile(
    rb"\s*+(\d{4})-(\d{2})-(\d{2})[Tt\s]\s*+(\d{2}):(\d{2})(?::(\d{2})(?:\.\d*+)?)?\s*+(Z|z|[+-]\d{2}:?\d{2})?"
)
_COMMENT = re.compile(rb"\([^()]*+\)")
_LONGEST = 256
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799_000_000  # the end of the year 9999
_FIRST = -62_135_596_800_000_000  # the start of the year 1


def parse(value: bytes) -> int | None:
    """An RFC 5322 date-time, or what passes for one; None if it is none. A missing zone is taken as UTC."""
    found = _USUAL.match(value[:_LONGEST])
    if found is None:
        return _parse_unusual(value[:_LONGEST])
    day, month, year, hour, minute, second, zone = found.groups()
    return _microseconds(_year(year), _MONTHS.get(month.lower(), 0), day, hour, minute, second, _offset(zone))


def _parse_unusual(value: bytes) -> int | None:
    value = _COMMENT.sub(b" ", value)
    found = _USUAL.match(value)
    if found is not None and b"(" not in value:
        return parse(value)
    iso = _ISO.match(value)
    if iso is not None:
        year, month, day, hour, minute, second, zone = iso.groups()
        return _microseconds(int(year), int(month), day, hour, minute, second, _offset(zone))
    asctime = _ASCTIME.match(value)
    if asctime is not None:
        month, day, early, hour, minute, second, zone, late, offset = asctime.groups()
        number = _MONTHS.get(month.lower(), 0)
        year = early or late
        if year is not None:
            return _microseconds(int(year), number, day, hour, minute, second, _offset(offset or zone))
    return None


def _offset(zone: bytes | None) -> int:
    """Minutes east of Greenwich."""
    if not zone:
        return 0
    if zone[:1] in b"+-":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        return -minutes if zone[:1] == b"-" else minutes
    return _ZONES.get(zone.lower(), 0) * 60


def _year(digits: bytes) -> int:
    """RFC 5322 section 4.3: two digits up to 49 are 20xx, other short years count from 1900."""
    year = int(digits)
    if len(digits) == 2 and year < 50:
        return year + 2000
    return year + 1900 if len(digits) < 4 else year


def _microseconds(
    year: int, month: int, day: bytes, hour: bytes, minute: bytes, second: bytes | None, offset: int
) -> int | None:
    hours, minutes, seconds = int(hour), int(minute), int(second or 0)
    if hours > 24 or minutes > 59 or seconds > 60:
        return None
    try:
        days = date(year, month, int(day)).toordinal() - _EPOCH_DAY
    except ValueError:
        return None
    if not -1440 < offset < 1440:
        offset = 0
    return (days * 86_400 + hours * 3600 + (minutes - offset) * 60 + seconds) * 1_000_000


def _moment(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=min(max(us, _FIRST), _LAST))


def rfc5322_date(us: int) -> bytes:
    """`Fri, 21 Nov 1997 09:55:06 +0000`. RFC 5322 section 3.3."""
    at = _moment(us)
    text = (
        f"{_DAY_NAMES[at.weekday()]}, {at.day:02} {_MONTH_NAMES[at.month - 1]} {at.year:04} "
        f"{at.hour:02}:{at.minute:02}:{at.second:02} +0000"
    )
    return text.encode("ascii")


def imap_internaldate(us: int) -> bytes:
    """`"17-Jul-1996 09:44:25 +0000"` with its quotes. RFC 9051 section 9, date-time."""
    at = _moment(us)
    text = f'"{at.day:2}-{_MONTH_NAMES[at.month - 1]}-{at.year:04} {at.hour:02}:{at.minute:02}:{at.second:02} +0000"'
    return text.encode("ascii")
