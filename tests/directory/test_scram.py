"""SCRAM keys, with the example of RFC 7677 section 3."""

import hmac
from base64 import b64decode, b64encode

import pytest

from pillarbox.directory.scram import derive_keys

SALT = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
AUTH_MESSAGE = (
    b"n=user,r=rOprNGfwEbeRWgbNEkqO,"
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)


def test_the_server_signature_of_the_rfc() -> None:
    keys = derive_keys("pencil", SALT, 4096)
    signature = b64encode(hmac.digest(keys.server_key, AUTH_MESSAGE, "sha256"))
    assert signature == b"6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    assert len(keys.stored_key) == 32


def test_too_few_iterations() -> None:
    with pytest.raises(ValueError, match="4096"):
        derive_keys("pencil", SALT, 4095)
