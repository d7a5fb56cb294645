"""Invariant: any messages are answered with steps; never an exception, and never `Verified` without a proof."""

import random

import pytest

from pillarbox.base.ids import SeededIds
from pillarbox.wire.sasl.framing import decode_initial, decode_response
from pillarbox.wire.sasl.mechanisms import MECHANISMS, start
from pillarbox.wire.sasl.scram_keys import make_scram_keys
from pillarbox.wire.sasl.steps import Challenge, CheckPassword, Malformed, NeedKeys, Rejected

KEYS = make_scram_keys("pencil", b"salt", 1)
SEEDS = [
    b"n,,n=user,r=abc",
    b"p=tls-server-end-point,,n=user,r=abc",
    b"c=biws,r=abc,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    b"\0user\0pencil",
    b"user",
    b"",
    "\0\u0627\u0031\0\u00ad".encode(),
]


def mutate(chance: random.Random, data: bytes) -> bytes:
    octets = bytearray(data)
    for _ in range(chance.randrange(4)):
        place = chance.randrange(len(octets) + 1)
        match chance.randrange(3):
            case 0:
                octets[place:place] = chance.choice([b",", b"=", b"\0", b"n=", b"r=", b"\xff", chance.randbytes(3)])
            case 1:
                del octets[place : place + chance.randrange(1, 5)]
            case _:
                octets[place : place + 1] = chance.randbytes(1)
    return bytes(octets)


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_any_messages(mechanism: str) -> None:
    chance = random.Random(f"sasl {mechanism}")
    for run in range(1500):
        binding = chance.choice([None, b"binding"])
        exchange = start(mechanism, binding, disguise_key=b"k", ids=SeededIds(run))
        for _ in range(4):
            step = exchange.step(chance.choice([None, mutate(chance, chance.choice(SEEDS))]))
            if isinstance(step, NeedKeys) or chance.random() < 0.1:
                step = exchange.keys(chance.choice([None, KEYS]))
            assert isinstance(step, (Challenge, CheckPassword, Malformed, Rejected))


def test_any_lines() -> None:
    chance = random.Random("sasl lines")
    for _ in range(3000):
        line = mutate(chance, chance.choice([b"YQ==", b"*", b"=", b"", b"bi0sbj11c2Vy"]))
        decode_response(line)
        decode_initial(line)
