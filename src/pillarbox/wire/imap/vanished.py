"""VANISHED, the response that says by uid which messages are gone (RFC 7162 section 3.2.10)."""

_LONGEST = 8000


def vanished(uids: bytes, earlier: bool = False) -> bytes:
    """expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids, nothing for b""

    `uids` is a set as text. A long one is given in several responses, each a line that clients can be expected to
    take (RFC 7162 section 4).
    """
    if not uids:
        return b""
    head = b"* VANISHED (EARLIER) " if earlier else b"* VANISHED "
    lines = []
    start = 0
    while len(uids) - start > _LONGEST:
        comma = uids.rfind(b",", start, start + _LONGEST)
        lines.append(head + uids[start:comma])
        start = comma + 1
    lines.append(head + uids[start:])
    return b"\r\n".join(lines) + b"\r\n"
