"""base64 lines of SASL exchanges."""

import pytest

from pillarbox.wire.sasl.framing import CANCELLED, MALFORMED, decode_initial, decode_response, encode_challenge


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_round_trip(data: bytes) -> None:
    assert decode_response(encode_challenge(data)) == data


@pytest.mark.parametrize(
    "line", [b"=", b"a", b"YQ", b"YQ=", b"YQ==x", b"Y Q=", b"YQ==\r", b"**", b"\xff", b"====", b"Y*=="]
)
def test_what_is_not_base64(line: bytes) -> None:
    assert decode_response(line) is MALFORMED


def test_the_star_and_the_equals_sign() -> None:
    assert decode_response(b"*") is CANCELLED
    assert decode_initial(b"=") == b""
    assert decode_initial(b"YQ==") == b"a"
    assert decode_initial(b"*") is MALFORMED
    assert decode_initial(b"") is MALFORMED
