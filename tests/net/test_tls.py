"""Certificates: made, loaded, exchanged while running, and refused with a clear sentence."""

import asyncio
import hashlib
import ssl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from pillarbox.base.clock import FixedClock, SystemClock
from pillarbox.net.tls import BadCertificate, ServerTls, endpoint_binding, load, make_certificate

Run = Callable[[Awaitable[None]], None]


def test_makes_a_certificate() -> None:
    pem, key = make_certificate("mail.example.test", ["bücher.example", "127.0.0.1", "::1"], FixedClock())
    certificate = x509.load_pem_x509_certificate(pem)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mail.example.test", "xn--bcher-kva.example"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    now = datetime.fromtimestamp(1_700_000_000, UTC)
    assert certificate.not_valid_before_utc < now < certificate.not_valid_after_utc
    assert certificate.not_valid_after_utc - now == timedelta(days=3650)
    assert b"PRIVATE KEY" in key
    certificate.verify_directly_issued_by(certificate)


def signed_with(key: Any, algorithm: Any) -> bytes:
    name = x509.Name([])
    now = datetime(2024, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.PEM)


def test_the_binding_uses_the_hash_of_the_signature_but_at_least_sha256() -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    for algorithm, expected in ((hashes.SHA256(), "sha256"), (hashes.SHA384(), "sha384"), (hashes.SHA512(), "sha512")):
        pem = signed_with(rsa_key, algorithm)
        assert endpoint_binding(pem) == hashlib.new(expected, ssl.PEM_cert_to_DER_cert(pem.decode())).digest()
    pem = signed_with(ed25519.Ed25519PrivateKey.generate(), None)
    assert endpoint_binding(pem) == hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.decode())).digest()


def test_the_first_certificate_of_a_chain_counts() -> None:
    first, second = (make_certificate(name, [], FixedClock())[0] for name in ("a.test", "b.test"))
    assert endpoint_binding(first + second) == endpoint_binding(first) != endpoint_binding(second)


def test_minimum_version(certificate: tuple[Path, Path]) -> None:
    assert load(*certificate, "1.2").context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert load(*certificate, "1.3").context.minimum_version == ssl.TLSVersion.TLSv1_3
    with pytest.raises(BadCertificate, match=r'"1\.2" or "1\.3"'):
        load(*certificate, "1.1")


def test_what_is_wrong_with_the_files_is_said(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    good, key = certificate
    with pytest.raises(BadCertificate, match=r"none\.pem is missing"):
        load(tmp_path / "none.pem", key, "1.2")
    other = tmp_path / "other.pem"
    other.write_bytes(make_certificate("other.test", [], FixedClock())[1])
    with pytest.raises(BadCertificate, match="do not fit together"):
        load(good, other, "1.2")
    other.write_text("no certificate")
    with pytest.raises(BadCertificate, match="PEM"):
        load(other, key, "1.2")


def test_a_reload_is_for_new_connections_and_keeps_the_old_ones(
    run: Run, toy: Any, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    files = tmp_path / "certificate.pem", tmp_path / "key.pem"
    for path, original in zip(files, certificate, strict=True):
        path.write_bytes(original.read_bytes())
    tls = ServerTls(*files)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    async def bound(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"TLS\r\n")
        return await reader.readline()

    async def test() -> None:
        async with toy.running(tls=tls, implicit_tls=True):
            old = await asyncio.open_connection("127.0.0.1", toy.port, ssl=context)
            assert await old[0].readline() == b"hello\r\n"
            before = await bound(*old)
            files[0].write_bytes(b"half a certificate")
            with pytest.raises(BadCertificate):
                tls.reload()
            for path, content in zip(files, make_certificate("new.test", [], SystemClock()), strict=True):
                path.write_bytes(content)
            tls.reload()
            new = await asyncio.open_connection("127.0.0.1", toy.port, ssl=context)
            assert await new[0].readline() == b"hello\r\n"
            after = await bound(*new)
            assert after != before == await bound(*old)
            assert repr(endpoint_binding(files[0].read_bytes())).encode() in after
            for _, writer in (old, new):
                writer.close()

    run(test())
