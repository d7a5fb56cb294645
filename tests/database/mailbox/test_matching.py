"""What is told apart without being read is told apart rightly: the quick way and the whole way agree."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.database.mailbox import matching
from pillarbox.mime.casemap import fold

TYPES = [b"text/plain", b"text/plain; charset=utf-8", b'text/html; charset="US-ASCII"', b"text/plain; charset=utf-7",
         b"text/plain; charset=utf-16", b"text/plain; charset*=x'y'iso-2022-jp", b"text/plain;\r\n charset = hz-gb-2312",
         b"multipart/mixed; boundary=b", b"application/pdf"]  # fmt: skip
ENCODINGS = [b"7bit", b"base64", b"Quoted-Printable", b"x-uuencode"]
BODIES = [b"needle", b"NEEdle in hay", b"nee=\r\ndle", base64.b64encode(b"a needle"), b"+AG4-eedle", b"nothing", b"~{<:~}",
          b"--b\r\n\r\nneedle\r\n--b--", "ｎｅｅｄｌｅ".encode(), b"=?utf-8?q?needle?="]  # fmt: skip
SUBJECTS = [b"x", b"Needle", b"nee\r\n dle", b"=?utf-8?q?n=65edle?=", b"=?utf-8?b?bmVlZGxl?=", b"needl\xe9"]
NEEDLES = ["needle", "Needle", "nee dle", "subject:", "subject: needle", "é", "", "\n"]


@settings(max_examples=400, deadline=None)
@given(*(st.sampled_from(each) for each in (TYPES, ENCODINGS, BODIES, SUBJECTS, NEEDLES)), st.booleans())
def test_quick_and_whole(kind: bytes, encoding: bytes, body: bytes, subject: bytes, needle: str, headers: bool) -> None:
    header = b"Subject: %b\r\nContent-Type: %b\r\nContent-Transfer-Encoding: %b\r\n\r\n" % (subject, kind, encoding)
    text = fold(needle)
    quick = (matching.text_matches(header + body, text, headers), matching.header_matches(header, "SUBJECT", text))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(matching, "_is_plain", lambda text: False)
        whole = (matching.text_matches(header + body, text, headers), matching.header_matches(header, "SUBJECT", text))
    assert quick == whole
