"""BODY and BODYSTRUCTURE, byte for byte, with the examples of RFC 3501 section 7.4.2."""

from pillarbox.mime.bodystructure import bodystructure
from pillarbox.mime.message import parse
from pillarbox.testing.imaplist import check_body, read_list


def both(letter: bytes) -> tuple[bytes, bytes]:
    message = parse(letter)
    plain, extended = bodystructure(message, False), bodystructure(message, True)
    check_body(read_list(plain), extended=False)
    check_body(read_list(extended), extended=True)
    return plain, extended


def test_a_simple_text() -> None:
    letter = b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n" + (b"x" * 46 + b"\r\n") * 48
    plain, extended = both(letter)
    assert plain == b'("text" "plain" ("charset" "US-ASCII") NIL NIL "7bit" 2304 48)'
    assert extended == plain[:-1] + b" NIL NIL NIL NIL)"


def test_a_text_without_a_type() -> None:
    assert both(b"\r\nhello")[0] == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0)'
    assert both(b"")[0] == b'("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'


def test_a_text_with_an_attachment() -> None:
    one, two = b"x" * 50 + b"\r\n", b"y" * 68 + b"\r\n"
    letter = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
        + one * 23
        + b"\r\n--b\r\nContent-Type: text/plain; charset=us-ascii; name=cc.diff\r\n"
        b"Content-Id: <960723163407.20117h@cac.washington.edu>\r\nContent-Description: Compiler diff\r\n"
        b"Content-Transfer-Encoding: BASE64\r\n\r\n" + two * 73 + b"\r\n--b--\r\n"
    )
    assert both(letter)[0] == (
        b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 1196 23)'
        b'("text" "plain" ("charset" "us-ascii" "name" "cc.diff") "<960723163407.20117h@cac.washington.edu>" '
        b'"Compiler diff" "base64" 5110 73) "mixed")'
    )


def test_an_embedded_message() -> None:
    letter = (
        b"Content-Type: message/rfc822\r\n\r\nSubject: in\r\nFrom: a@b.test\r\nContent-Type: image/png\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
    )
    plain, extended = both(letter)
    envelope = (
        b'(NIL "in" ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) ((NIL NIL "a" "b.test")) NIL NIL NIL NIL NIL)'
    )
    assert plain == (
        b'("message" "rfc822" NIL NIL NIL "7bit" 97 %b ("image" "png" NIL NIL NIL "base64" 6) 6)' % envelope
    )
    assert extended == (
        b'("message" "rfc822" NIL NIL NIL "7bit" 97 %b '
        b'("image" "png" NIL NIL NIL "base64" 6 NIL NIL NIL NIL) 6 NIL NIL NIL NIL)' % envelope
    )


def test_extension_data() -> None:
    letter = (
        b"Content-Type: application/pdf\r\nContent-MD5: Q2hlY2s=\r\nContent-Language: de, en\r\n"
        b"Content-Location: http://a.test/\r\nContent-Disposition: ATTACHMENT; FileName=\"a 'b'.pdf\"\r\n\r\nx"
    )
    assert both(letter)[1] == (
        b'("application" "pdf" NIL NIL NIL "7bit" 1 "Q2hlY2s=" ("attachment" ("filename" "a \'b\'.pdf")) '
        b'("de" "en") "http://a.test/")'
    )
    letter = (
        b"Content-Type: multipart/related; boundary=b; type=text/html\r\nContent-Language: de\r\n"
        b"Content-Disposition: inline\r\n\r\n--b\r\n\r\nx\r\n--b--"
    )
    assert both(letter)[1].endswith(b' "related" ("boundary" "b" "type" "text/html") ("inline" NIL) "de" NIL)')


def test_long_names_keep_their_extended_form() -> None:
    letter = b"Content-Type: x/y; name*0*=utf-8''caf%C3%A9; name*1=.pdf\r\n\r\n"
    assert b'("name*" "utf-8\'\'caf%C3%A9.pdf")' in both(letter)[0]


def test_odd_values_stay_valid_imap() -> None:
    both(b'Content-Type: x/y; a="\\"\xff\0"; b=\xc3\xa9\r\nContent-ID: \0\r\nContent-Description: "\r\n\r\n')
    both(b"Content-Disposition: ;;;\r\nContent-Language: ,,,\r\nContent-Transfer-Encoding: \r\n\r\n")
    both(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA")
    both(b"Content-Type: multipart/mixed\r\n\r\nx")


def test_deep_nesting() -> None:
    both(b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(300)))
    both(b"Content-Type: message/rfc822\r\n\r\n" * 300)
