"""The base subject: what two letters of one conversation have in common. RFC 5256 section 2.1."""

import re

_LONGEST = 1024
_LEADER = re.compile(r"(?>(?:\[[^\[\]]*+\]\s*+)*)(?:re|fwd?)\s*+(?>(?:\[[^\[\]]*+\]\s*+)?):\s*+", re.IGNORECASE)
_BLOB = re.compile(r"\[[^\[\]]*+\]\s*+")


def base_subject(subject: str) -> str:
    """The subject without "Re:", "Fwd:", "[list]" and "(fwd)", case kept; of at most 1024 characters.

    Compare without regard to case (i;unicode-casemap).
    """
    text = " ".join(subject[:_LONGEST].split())
    while True:
        text = _without_trailer(text)
        at = _after_leaders(text)
        text = text[at:]
        if not (text[:5].lower() == "[fwd:" and text.endswith("]")):
            return text
        text = text[5:-1].strip()


def _without_trailer(text: str) -> str:
    """subj-trailer = "(fwd)" / WSP"""
    while text[-5:].lower() == "(fwd)":
        text = text[:-5].rstrip()
    return text


def _after_leaders(text: str) -> int:
    """Where the text begins after every subj-leader, and every subj-blob that leaves something behind it."""
    at = 0
    while True:
        leader = _LEADER.match(text, at)
        if leader is not None:
            at = leader.end()
            continue
        blob = _BLOB.match(text, at)
        if blob is None or blob.end() == len(text):
            return at
        at = blob.end()
