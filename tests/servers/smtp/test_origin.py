"""The words of the Received header."""

import pytest

from pillarbox.servers.smtp.origin import protocol_word


@pytest.mark.parametrize(
    ("verb", "private", "authenticated", "smtputf8", "word"),
    [
        ("HELO", False, False, False, "SMTP"),
        ("HELO", True, True, False, "SMTP"),
        ("EHLO", False, False, False, "ESMTP"),
        ("EHLO", True, False, False, "ESMTPS"),
        ("EHLO", False, True, False, "ESMTPA"),
        ("EHLO", True, True, False, "ESMTPSA"),
        ("LHLO", False, False, False, "LMTP"),
        ("LHLO", True, False, False, "LMTPS"),
        ("LHLO", False, True, False, "LMTPA"),
        ("LHLO", True, True, False, "LMTPSA"),
        ("EHLO", False, False, True, "UTF8SMTP"),
        ("EHLO", True, True, True, "UTF8SMTPSA"),
        ("LHLO", True, False, True, "UTF8LMTPS"),
    ],
)
def test_protocol_word(verb: str, private: bool, authenticated: bool, smtputf8: bool, word: str) -> None:
    assert protocol_word(verb, private, authenticated, smtputf8) == word
