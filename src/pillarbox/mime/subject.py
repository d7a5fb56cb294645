"""The base subject: what two letters of one conversation have in common. RFC 5256 section 2.1."""

import re

_LONGEST = 1024
_LEADER = re.compile(r"(?>(?:\[[^\[\]]*+\]\s*+)*)(?:re|fwd?)\s*+(?>(?:\[[^\[\]]*+\]\s*+)?):\s*+", re.IGNORECASE)
_BLOB = re.compile(r"\[[^\[\]]*+\]\s*+")


def base_subject(subject: str) -> str:
    """The subject without "Re:", "Fwd:", "[list]" and "(fwd)", case kept; of at most 1024 characters.

    Compare without regard to case (i;unicode-casemap).
    """
    return _taken_apart(subject)[0]


def is_reply(subject: str) -> bool:
    """Whether the subject is that of a reply or a forward: something beyond "[list]" and space was taken off."""
    return _taken_apart(subject)[1]


def _taken_apart(subject: str) -> tuple[str, bool]:
    text = " ".join(subject[:_LONGEST].split())
    reply = False
    while True:
        shorter = _without_trailer(text)
        reply = reply or shorter != text
        at, leaders = _after_leaders(shorter)
        text = shorter[at:]
        reply = reply or leaders
        if not (text[:5].lower() == "[fwd:" and text.endswith("]")):
            return text, reply
        text = text[5:-1].strip()
        reply = True


def _without_trailer(text: str) -> str:
    """subj-trailer = "(fwd)" / WSP"""
    while text[-5:].lower() == "(fwd)":
        text = text[:-5].rstrip()
    return text


def _after_leaders(text: str) -> tuple[int, bool]:
    """Where the text begins after every subj-leader, and every subj-blob that leaves something behind it; and
    whether there was a leader."""
    at, found = 0, False
    while True:
        leader = _LEADER.match(text, at)
        if leader is not None:
            at, found = leader.end(), True
            continue
        blob = _BLOB.match(text, at)
        if blob is None or blob.end() == len(text):
            return at, found
        at = blob.end()
