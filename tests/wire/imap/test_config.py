"""Which capabilities are offered when."""

from pillarbox.wire.imap.config import ImapConfig, capabilities, mechanisms
from pillarbox.wire.imap.state import State

BEFORE, AFTER = State.NOT_AUTHENTICATED, State.AUTHENTICATED
CONFIG = ImapConfig(mechanisms=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"))


def test_before_tls_passwords_are_not_offered():
    names = capabilities(CONFIG, BEFORE, False)
    assert names == (
        "IMAP4rev1",
        "IMAP4rev2",
        "LITERAL+",
        "SASL-IR",
        "ID",
        "ENABLE",
        "IDLE",
        "STARTTLS",
        "LOGINDISABLED",
    )


def test_under_tls_they_are():
    names = capabilities(CONFIG, BEFORE, True)
    assert names[-3:] == ("AUTH=PLAIN", "AUTH=SCRAM-SHA-256", "AUTH=SCRAM-SHA-256-PLUS")
    assert not {"STARTTLS", "LOGINDISABLED"} & set(names)


def test_channel_binding_needs_tls():
    assert mechanisms(ImapConfig(CONFIG.mechanisms, plaintext_login=True), False) == ("PLAIN", "SCRAM-SHA-256")


def test_after_login_everything_is_told():
    wanted = [
        "IMAP4rev1",
        "IMAP4rev2",
        "LITERAL+",
        "SASL-IR",
        "ID",
        "ENABLE",
        "IDLE",
        "NAMESPACE",
        "UNSELECT",
        "UIDPLUS",
        "MOVE",
        "CHILDREN",
        "SPECIAL-USE",
        "LIST-EXTENDED",
        "LIST-STATUS",
        "STATUS=SIZE",
        "ESEARCH",
        "SEARCHRES",
        "BINARY",
        "QUOTA",
        "QUOTA=RES-STORAGE",
        "QUOTA=RES-MESSAGE",
        "CONDSTORE",
        "QRESYNC",
        "WITHIN",
        "OBJECTID",
        "SAVEDATE",
        "PREVIEW",
        "CREATE-SPECIAL-USE",
        "QUOTA=RES-MAILBOX",
        "MULTIAPPEND",
        "REPLACE",
        "UNAUTHENTICATE",
        "UTF8=ACCEPT",
        "I18NLEVEL=1",
        "SORT",
        "SORT=DISPLAY",
        "ESORT",
        "THREAD=ORDEREDSUBJECT",
        "THREAD=REFERENCES",
        "THREAD=REFS",
        "PARTIAL",
        "CONTEXT=SEARCH",
        "CONTEXT=SORT",
        "MULTISEARCH",
        "SEARCH=FUZZY",
        "INPROGRESS",
    ]
    names = capabilities(ImapConfig(append_limit=7, extra_capabilities=("X",)), AFTER, True)
    assert list(names) == [*wanted, "APPENDLIMIT=7", "X"]


def test_literal_minus_takes_the_place_of_literal_plus():
    names = capabilities(ImapConfig(literal_minus=True), AFTER, True)
    assert "LITERAL-" in names
    assert "LITERAL+" not in names


def test_what_enable_turns_on():
    config = ImapConfig(enableable=("IMAP4rev2", "CONDSTORE"))
    assert config.acceptable(["imap4REV2", "FOO", "IMAP4rev2"]) == ("IMAP4rev2",)
    assert ImapConfig().acceptable(["QRESYNC", "condstore", "NOTIFY"]) == ("QRESYNC", "CONDSTORE")
