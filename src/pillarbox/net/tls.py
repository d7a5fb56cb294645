"""The server's side of TLS: its certificate, and what a client may bind a login to.

`ServerTls` holds the context new connections use. `reload` reads the files again and replaces it; connections that
are open keep theirs. A pair of files that does not fit raises `BadCertificate` with a sentence that says which and
why, and leaves the old context in use.

`make_certificate` makes a self-signed certificate for a site that has none yet.
"""

import ipaddress
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pillarbox.base.clock import MICROSECONDS, Clock
from pillarbox.wire.session import TlsInfo

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_YEARS = 10


class BadCertificate(Exception):
    """A certificate or key cannot be used; the text says which and what to do."""


class Credentials(NamedTuple):
    """A context ready to serve, and the tls-server-end-point channel binding of its certificate."""

    context: ssl.SSLContext
    endpoint_binding: bytes


class ServerTls:
    """The certificate in use; `current` is what the next connection gets."""

    __slots__ = ("_certificate", "_key", "_minimum_version", "current")

    def __init__(self, certificate: Path, key: Path, minimum_version: str = "1.2") -> None:
        """Reads both files. `minimum_version` is "1.2" or "1.3"."""
        self._certificate = certificate
        self._key = key
        self._minimum_version = minimum_version
        self.current = load(certificate, key, minimum_version)

    def reload(self) -> None:
        """Uses the files as they are now for all connections from here on."""
        self.current = load(self._certificate, self._key, self._minimum_version)


def load(certificate: Path, key: Path, minimum_version: str) -> Credentials:
    """A server's context with this certificate chain and key. Raises BadCertificate."""
    if minimum_version not in _VERSIONS:
        raise BadCertificate(f'TLS version {minimum_version!r} is not known; write "1.2" or "1.3".')
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[minimum_version]
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    for path in (certificate, key):
        if not path.is_file():
            raise BadCertificate(f"{path} is missing; put the file there or set it in [tls].")
    try:
        context.load_cert_chain(certificate, key)
        binding = endpoint_binding(certificate.read_bytes())
    except ssl.SSLError as error:
        raise BadCertificate(f"{certificate} and {key} do not fit together or are not PEM: {error.reason}.") from error
    except ValueError as error:
        raise BadCertificate(f"{certificate} is not a certificate in PEM: {error}.") from error
    except OSError as error:
        raise BadCertificate(f"{error.filename or certificate} cannot be read: {error.strerror}.") from error
    return Credentials(context, binding)


def endpoint_binding(pem: bytes) -> bytes:
    """tls-server-end-point of the first certificate in `pem` (RFC 5929 section 4.1).

    The certificate's hash by the algorithm of its own signature, but SHA-256 in place of MD5 and SHA-1, and where
    the signature has no hash of its own (Ed25519).
    """
    certificate = x509.load_pem_x509_certificates(pem)[0]
    algorithm = certificate.signature_hash_algorithm
    if algorithm is None or isinstance(algorithm, hashes.MD5 | hashes.SHA1):
        algorithm = hashes.SHA256()
    return certificate.fingerprint(algorithm)


def tls_info(connection: ssl.SSLObject, credentials: Credentials) -> TlsInfo:
    """What was agreed on a connection that has finished its handshake."""
    cipher = connection.cipher()
    return TlsInfo(connection.version() or "", cipher[0] if cipher else "", credentials.endpoint_binding)


def make_certificate(hostname: str, names: Sequence[str], clock: Clock, *, client: bool = False) -> tuple[bytes, bytes]:
    """A self-signed certificate for `hostname` and other `names` (host names or IP addresses), and its key, as PEM.

    ECDSA on P-256, valid for ten years from the day before `clock`'s now. `client`: it also serves a client.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hostname[:64])])
    now = datetime.fromtimestamp(clock.now() // MICROSECONDS, UTC).replace(microsecond=0)
    public = key.public_key()
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if client else [])]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(
            x509.SubjectAlternativeName([_general_name(each) for each in dict.fromkeys((hostname, *names))]), False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        .add_extension(x509.ExtendedKeyUsage(usages), False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        .sign(key, hashes.SHA256())
    )
    return (
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode("ascii"))
