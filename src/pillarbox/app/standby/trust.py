"""How two servers trust each other: TLS 1.3, each with a certificate that the other has in its file of peers.

No authority is asked and no name is compared: what counts is that the peer's certificate, octet by octet, is one of
those in the file. Failures are `Failure` INVALID with a sentence that names the file and what to do.
"""

import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from pillarbox.app.site import Site
from pillarbox.base.clock import SystemClock
from pillarbox.base.failure import FailureKind
from pillarbox.model.failure import Failure
from pillarbox.net.tls import make_certificate


class Trust:
    """The contexts of one site towards its peers."""

    def __init__(self, site: Site) -> None:
        """Reads the files."""
        settings = site.settings.standby
        self._certificate = site.path / settings.certificate
        self._key = site.path / settings.key
        self._peers = site.path / settings.peers
        self._allowed = frozenset(certificate.public_bytes(Encoding.DER) for certificate in read_peers(self._peers))
        self.server = self._context(ssl.PROTOCOL_TLS_SERVER)
        self.client = self._context(ssl.PROTOCOL_TLS_CLIENT)

    def _context(self, protocol: int) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        try:
            context.load_cert_chain(self._certificate, self._key)
            context.load_verify_locations(self._peers)
        except FileNotFoundError:
            raise Failure(
                FailureKind.INVALID,
                f"{self._certificate} or its key is missing; `pillarbox standby-certificate` makes both",
            ) from None
        except (ssl.SSLError, OSError) as error:
            raise Failure(FailureKind.INVALID, f"{self._certificate} cannot be used: {error}", error) from error
        return context

    def knows(self, connection: ssl.SSLObject | ssl.SSLSocket | None) -> bool:
        """Whether the peer of a connection showed a certificate of ours."""
        return connection is not None and connection.getpeercert(True) in self._allowed


def read_peers(path: Path) -> list[x509.Certificate]:
    """The certificates in a file of peers."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except FileNotFoundError:
        raise Failure(
            FailureKind.INVALID,
            f"{path} is missing: put the other server's standby certificate there "
            "(`pillarbox standby-certificate --trust FILE`)",
        ) from None
    except (ValueError, OSError) as error:
        raise Failure(FailureKind.INVALID, f"{path} holds no certificates in PEM: {error}", error) from error


def make_standby_certificate(site: Site) -> Path:
    """Makes this site's certificate and key where they are missing; the certificate's path."""
    settings = site.settings.standby
    certificate, key = site.path / settings.certificate, site.path / settings.key
    if not certificate.exists() or not key.exists():
        made = make_certificate(site.settings.server.hostname, [], SystemClock(), client=True)
        for path, data, mode in ((key, made[1], 0o600), (certificate, made[0], 0o644)):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
            with open(descriptor, "wb") as file:
                file.write(data)
    return certificate


def trust(site: Site, file: Path) -> list[str]:
    """Adds the certificates in `file` to the peers; the SHA-256 of each that was not there yet."""
    peers = site.path / site.settings.standby.peers
    known = {each.public_bytes(Encoding.DER) for each in read_peers(peers)} if peers.exists() else set()
    added = [each for each in read_peers(file) if each.public_bytes(Encoding.DER) not in known]
    with open(peers, "ab") as out:
        for each in added:
            out.write(each.public_bytes(Encoding.PEM))
    return [fingerprint(each) for each in added]


def fingerprint(certificate: x509.Certificate) -> str:
    """For people to compare."""
    return certificate.fingerprint(hashes.SHA256()).hex(":")
