"""A CA for tests, and server certificates that it signs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return pem_of(self.key)

    def server(self, address: str, folder: Path) -> tuple[Path, Path]:
        """Write certificate and key of a server at this IP address."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        builder = built(key, "server", self.certificate.subject, expires=datetime.now(UTC) + DAY)
        signed = builder.add_extension(alternative, critical=False).sign(self.key, SHA256())
        certificate, private = folder / "server.crt", folder / "server.key"
        certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        private.write_text(pem_of(key))
        return certificate, private


def authority(name: str = "test CA", *, expires: datetime | None = None) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = built(key, name, named(name), expires=expires or datetime.now(UTC) + DAY)
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    return Authority(key, builder.add_extension(constraints, critical=True).sign(key, SHA256()))


def built(
    key: ec.EllipticCurvePrivateKey, name: str, issuer: x509.Name, *, expires: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(expires - 30 * DAY)
        .not_valid_after(expires)
    )


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def pem_of(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
