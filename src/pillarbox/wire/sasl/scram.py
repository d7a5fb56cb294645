"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS: a proof of the password that never sends it (RFC 5802, RFC 7677).

The only channel binding is tls-server-end-point (RFC 5929 section 4). `endpoint_binding` is not None exactly where the
server offers the -PLUS mechanism on this connection: a client that then says "y" (it could bind, but believes the
server cannot) has been lied to about the mechanisms, and is rejected (RFC 5802 section 6).

Somebody unknown gets a salt that is always the same for that name, drawn from a secret, and fails only at the end.

Written over hashlib and hmac and not over the `scramp` library: its server asks for the keys with a callback in the
middle of a message, while ours come from a directory that is awaited between messages; it drops the authorization
identity; and it reports by exceptions. It serves as the client in the tests.
"""

import hashlib
import hmac
import re
from enum import Enum

from pillarbox.base.ids import Ids
from pillarbox.base.saslprep import saslprep
from pillarbox.wire.sasl.framing import Framing, decode_response, encode_challenge
from pillarbox.wire.sasl.scram_keys import ScramKeys
from pillarbox.wire.sasl.steps import Challenge, Exchange, Malformed, NeedKeys, Rejected, Step, Verified

_CLIENT_FIRST = re.compile(
    r"(?P<gs2>(?P<flag>[ny]|p=(?P<binding>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>[^,\0]+))?,)"
    r"(?P<bare>n=(?P<name>[^,\0]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
)
"""client-first-message = gs2-header client-first-message-bare (RFC 5802 section 7).

The reserved "m=" does not match, as section 5.1 asks."""

_CLIENT_FINAL = re.compile(
    r"(?P<without_proof>c=(?P<binding>[A-Za-z0-9/+=]+),r=(?P<nonce>[!-+\--~]+)(?:,[A-Za-z]=[^,\0]+)*)"
    r",p=(?P<proof>[A-Za-z0-9/+=]+)"
)
"""client-final-message = client-final-message-without-proof "," proof"""


class _Stage(Enum):
    BEGIN = 1
    KEYS = 2
    PROOF = 3
    OVER = 4


class ScramExchange(Exchange):
    """One SCRAM exchange; `plus` for the mechanism with channel binding."""

    __slots__ = (
        "_authzid",
        "_bare",
        "_binding",
        "_disguise_key",
        "_gs2",
        "_ids",
        "_iterations",
        "_keys",
        "_known",
        "_name",
        "_nonce",
        "_plus",
        "_server_first",
        "_stage",
    )

    def __init__(
        self, plus: bool, endpoint_binding: bytes | None, disguise_key: bytes, iterations: int, ids: Ids
    ) -> None:
        """`disguise_key` and `iterations` make the answers for unknown names look like those for known ones."""
        self._plus = plus
        self._binding = endpoint_binding
        self._disguise_key = disguise_key
        self._iterations = iterations
        self._ids = ids
        self._stage = _Stage.BEGIN
        self._gs2 = self._bare = self._nonce = self._server_first = self._name = self._authzid = ""
        self._keys = ScramKeys(b"", 0, b"", b"")
        self._known = False

    def step(self, response: bytes | None) -> Step:
        stage = self._stage
        if response is None:
            return Challenge(b"") if stage is _Stage.BEGIN else Malformed("a message is missing")
        self._stage = _Stage.OVER
        try:
            text = response.decode()
        except UnicodeDecodeError:
            return Malformed("the message is not UTF-8")
        if stage is _Stage.BEGIN:
            return self._client_first(text)
        if stage is _Stage.PROOF:
            return self._client_final(text)
        return Malformed("no message is expected")

    def keys(self, keys: ScramKeys | None) -> Step:
        if self._stage is not _Stage.KEYS:
            return Malformed("no keys were asked for")
        self._known = keys is not None
        self._keys = keys if keys is not None else self._disguise()
        salt = encode_challenge(self._keys.salt).decode()
        self._server_first = f"r={self._nonce},s={salt},i={self._keys.iterations}"
        self._stage = _Stage.PROOF
        return Challenge(self._server_first.encode())

    def _client_first(self, text: str) -> Step:
        match = _CLIENT_FIRST.fullmatch(text)
        if match is None:
            return Malformed("bad SCRAM client-first-message")
        refusal = self._check_flag(match["flag"], match["binding"])
        if refusal is not None:
            return refusal
        name, authzid = _unescape(match["name"]), _unescape(match["authzid"] or "")
        if name is None or authzid is None:
            return Malformed("bad escape in a SCRAM name")
        prepared = saslprep(name)
        if not prepared:
            return Rejected("the name holds a prohibited character")
        self._name, self._authzid = prepared, authzid
        self._gs2, self._bare = match["gs2"], match["bare"]
        self._nonce = match["nonce"] + encode_challenge(self._ids.secret(18)).decode()
        self._stage = _Stage.KEYS
        return NeedKeys(prepared)

    def _check_flag(self, flag: str, binding: str | None) -> Step | None:
        """RFC 5802 section 6: which channel binding flags fit this mechanism and this connection."""
        if flag == "y" and self._binding is not None:
            return Rejected("downgrade: the client believes that no channel binding was offered")
        if self._plus != (binding is not None):
            return Malformed("channel binding flag and mechanism do not fit")
        if binding is not None and (binding != "tls-server-end-point" or self._binding is None):
            return Rejected("channel binding is not of a type we know")
        return None

    def _client_final(self, text: str) -> Step:
        match = _CLIENT_FINAL.fullmatch(text)
        if match is None:
            return Malformed("bad SCRAM client-final-message")
        bound = decode_response(match["binding"].encode())
        proof = decode_response(match["proof"].encode())
        if isinstance(bound, Framing) or isinstance(proof, Framing) or len(proof) != 32:
            return Malformed("bad base64 in a SCRAM message")
        expected = self._gs2.encode()
        if self._plus and self._binding is not None:
            expected += self._binding
        if not hmac.compare_digest(bound, expected):
            return Rejected("channel bindings do not match", self._name)
        if not hmac.compare_digest(match["nonce"].encode(), self._nonce.encode()):
            return Rejected("nonces do not match", self._name)
        return self._check_proof(proof, match["without_proof"])

    def _check_proof(self, proof: bytes, without_proof: str) -> Step:
        """RFC 5802 section 3."""
        auth_message = f"{self._bare},{self._server_first},{without_proof}".encode()
        signature = hmac.digest(self._keys.stored_key, auth_message, "sha256")
        client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
        right = hmac.compare_digest(hashlib.sha256(client_key).digest(), self._keys.stored_key)
        if not (right and self._known):
            return Rejected("wrong proof" if self._known else "unknown name", self._name)
        server_signature = hmac.digest(self._keys.server_key, auth_message, "sha256")
        return Verified(self._authzid, self._name, b"v=" + encode_challenge(server_signature))

    def _disguise(self) -> ScramKeys:
        """Keys that nobody can match, with a salt that is the same each time this name is asked for."""
        salt = hmac.digest(self._disguise_key, self._name.encode(), "sha256")[:16]
        return ScramKeys(salt, self._iterations, self._ids.secret(32), self._ids.secret(32))


def _unescape(name: str) -> str | None:
    """saslname: "=2C" and "=3D" stand for "," and "="; any other "=" is an error (RFC 5802 section 5.1)."""
    if "=" not in name:
        return name
    plain = name.replace("=2C", ",").replace("=3D", "\0")
    return None if "=" in plain else plain.replace("\0", "=")
