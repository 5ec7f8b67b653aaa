"""Certificates made for a test: authorities, and what they sign, right or wrong."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in PEM files."""

    cert: Path
    key: Path


class Authority:
    """A certificate authority of its own; ``cert`` is what others trust it by."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = _name(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(self._name, self._name, self._key, timedelta(days=30))
        certificate = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
            self._key, hashes.SHA256()
        )
        self.cert = _write(folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def sign(
        self,
        name: str,
        *,
        host: str | None = None,
        left: timedelta = timedelta(days=30),
        passphrase: bytes | None = None,
    ) -> Pair:
        """A certificate for a client, or for a server at ``host``; it expires after ``left``, be that in the past."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(name), self._name, key, left)
        if host is not None:
            address = host.replace(".", "").isdecimal()
            san = x509.IPAddress(ipaddress.ip_address(host)) if address else x509.DNSName(host)
            builder = builder.add_extension(x509.SubjectAlternativeName([san]), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
        pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
        return Pair(
            _write(self._folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM)),
            _write(self._folder / f"{name}.key", pem),
        )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, left: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=60))
        .not_valid_after(now + left)
    )


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
