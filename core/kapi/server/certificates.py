"""Makes and reads keys and certificates. Imports ``cryptography``: import this module only where one is made."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_BACKDATED = timedelta(hours=1)
"""Certificates begin this long ago, so that clients whose clock is behind accept them."""


class PemPair(NamedTuple):
    """A certificate and its private key in PEM form."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What a certificate says: its end in seconds since the epoch, and its names and addresses."""

    not_after: int
    names: tuple[str, ...]


def new_key_pair() -> PemPair:
    """Return a new EC P-256 key (in ``key``) and its public half (in ``certificate``), as for token signing."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PemPair(public, _private_pem(key))


def new_authority(name: str, now: datetime, lifetime: timedelta) -> PemPair:
    """Return a new certificate authority that may sign leaf certificates only."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _builder(subject, subject, key.public_key(), now, lifetime)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return PemPair(_pem(builder.sign(key, hashes.SHA256())), _private_pem(key))


def new_serving(authority: PemPair, names: Sequence[str], now: datetime, lifetime: timedelta) -> PemPair:
    """Return a new serving certificate for host names and addresses, signed by ``authority``."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kube-apiserver")])
    alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
    return _leaf(authority, subject, ExtendedKeyUsageOID.SERVER_AUTH, alternative, now, lifetime)


def new_client(authority: PemPair, user: str, groups: Sequence[str], now: datetime, lifetime: timedelta) -> PemPair:
    """Return a new client certificate: the user is its common name, the groups are its organizations."""
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    subject = x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, user)])
    return _leaf(authority, subject, ExtendedKeyUsageOID.CLIENT_AUTH, None, now, lifetime)


def read_pair(pair: PemPair, signer: bytes | None = None) -> Facts:
    """Return what a certificate says; raises ValueError when it and its key do not belong together.

    Also raises it when ``signer`` is given and did not sign it, and for files that hold no certificate or key.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
        if key.public_key() != certificate.public_key():
            raise ValueError("the private key belongs to another certificate")
        if signer is not None:
            certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(signer))
    except (TypeError, UnsupportedAlgorithm, InvalidSignature) as ex:
        raise ValueError(str(ex) or "signed by another authority") from ex
    return Facts(int(certificate.not_valid_after_utc.timestamp()), _names(certificate))


def utc(seconds: float) -> datetime:
    """Return the time ``seconds`` after the epoch."""
    return datetime.fromtimestamp(int(seconds), UTC)


def _leaf(
    authority: PemPair,
    subject: x509.Name,
    usage: x509.ObjectIdentifier,
    alternative: x509.SubjectAlternativeName | None,
    now: datetime,
    lifetime: timedelta,
) -> PemPair:
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    issuer_key = serialization.load_pem_private_key(authority.key, password=None)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise ValueError("the authority's key is not an EC key")
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(lifetime, issuer.not_valid_after_utc - now)
    builder = (
        _builder(subject, issuer.subject, key.public_key(), now, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if alternative is not None:
        builder = builder.add_extension(alternative, critical=False)
    return PemPair(_pem(builder.sign(issuer_key, hashes.SHA256())), _private_pem(key))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, lifetime: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = [str(address) for address in found.get_values_for_type(x509.IPAddress)]
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
