"""Messages between two servers: parsed as they were made, however they are cut, and garbage is named."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.model.recovery import LogPoint
from pillarbox.model.standby import CopyHead, LogEnd, Shipment
from pillarbox.recovery.standby.messages import (
    Ack,
    CopyBegin,
    CopyEnd,
    CopyPiece,
    CopyRequest,
    DatabaseState,
    Frames,
    Hello,
    Message,
    Refused,
    Replaced,
    Ship,
    Tick,
    encode,
)

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60).filter(
    lambda name: len(name.encode()) < 256
)
NUMBERS = st.integers(0, 2**63 - 1)
CRCS = st.integers(0, 2**32 - 1)
TIMES = st.integers(0, 2**62)
ENDS = st.builds(LogEnd, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, CRCS)
POINTS = st.builds(LogPoint, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
SHIPMENTS = st.builds(Shipment, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, TIMES, st.binary(max_size=300))
STATES = st.builds(DatabaseState, NAMES, st.text(max_size=32), st.text(max_size=9), st.integers(0, 99), ENDS)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Hello, st.integers(1, 9), NAMES, NAMES, NAMES, st.lists(STATES, max_size=3).map(tuple)),
    st.builds(Ship, NAMES, TIMES, SHIPMENTS),
    st.builds(Ack, NAMES, ENDS, POINTS, TIMES, TIMES, TIMES),
    st.builds(CopyRequest, NAMES, st.text()),
    st.builds(CopyBegin, NAMES, st.builds(CopyHead, NUMBERS, NAMES, NAMES, st.integers(0, 99), POINTS)),
    st.builds(CopyPiece, NAMES, NUMBERS, st.binary(max_size=300)),
    st.builds(CopyEnd, NAMES),
    st.builds(Replaced, NAMES, NUMBERS, NUMBERS),
    st.builds(Tick, TIMES, st.dictionaries(NAMES, st.lists(NUMBERS, min_size=2, max_size=2), max_size=3)),
    st.builds(Refused, st.text()),
)


def read_all(frames: Frames) -> list[Message]:
    found = []
    while (message := frames.next_message()) is not None:
        found.append(message)
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGES, max_size=5), st.integers(1, 40))
def test_what_was_said_is_heard(messages: list[Message], piece: int) -> None:
    data = b"".join(map(encode, messages))
    whole, cut = Frames(), Frames()
    whole.receive_data(data)
    assert read_all(whole) == messages
    heard = []
    for start in range(0, len(data), piece):
        cut.receive_data(data[start : start + piece])
        heard += read_all(cut)
    assert heard == messages


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\x02\x0a{",
        b"\0\0\0\x03\x63ab",
        b"\0\0\0\x02\x01\x05",
    ],
)
def test_garbage_is_named(data: bytes) -> None:
    frames = Frames()
    frames.receive_data(data)
    with pytest.raises(Failure) as caught:
        frames.next_message()
    assert caught.value.kind is FailureKind.INVALID


def test_nothing_but_messages_and_failures_comes_of_any_octets() -> None:
    chance = random.Random(3)
    good = [
        encode(Tick(1, {"a": [1, 2]})),
        encode(Hello(1, "p", "s", "standby", ())),
        encode(CopyPiece("n", 5, b"xyz")),
    ]
    for _ in range(3000):
        data = bytearray(b"".join(chance.choices(good, k=2)))
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        frames = Frames()
        frames.receive_data(bytes(data))
        try:
            read_all(frames)
        except Failure as failure:
            assert failure.kind is FailureKind.INVALID
