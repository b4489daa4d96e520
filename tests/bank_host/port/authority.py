"""A certificate authority of the tests' own."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bank_host.port.tls import TlsFiles

_FROM = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
_UNTIL = datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC)


class Authority:
    """Issues certificates into a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self._number = 0
        certificate = self._sign(self._name, self._key, [], authority=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(certificate)

    def issue(self, *names: str) -> TlsFiles:
        """A certificate for these alternative names: URNs, or host names."""
        key = ec.generate_private_key(ec.SECP256R1())
        self._number += 1
        stem = self._folder / f"certificate-{self._number}"
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"number {self._number}")])
        alternative = [
            x509.UniformResourceIdentifier(name) if name.startswith("urn:") else x509.DNSName(name)
            for name in names
        ]
        stem.with_suffix(".pem").write_bytes(self._sign(subject, key, alternative))
        stem.with_suffix(".key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return TlsFiles(stem.with_suffix(".pem"), stem.with_suffix(".key"), self.file)

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        alternative: list[x509.GeneralName],
        *,
        authority: bool = False,
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_FROM)
            .not_valid_after(_UNTIL)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if alternative:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def as_peer(files: TlsFiles | None, authority: Path) -> ssl.SSLContext:
    """A peer that trusts the authority; without files it has no certificate to show."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    return context
