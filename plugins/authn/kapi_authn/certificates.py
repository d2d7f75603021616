"""Verification of client certificates (RFC 5280) that a CA of a bundle issued directly.

Only the certificate of the client itself is known, not what it sent along with it, so that its issuer has to be in
the bundle; intermediate CAs belong there too.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from kapi.contracts.authn import AuthenticationError, UserInfo

if TYPE_CHECKING:
    from cryptography import x509

_USER_UID = "1.3.6.1.4.1.57683.2"
_CREDENTIAL_ID = "authentication.kubernetes.io/credential-id"
_UNDERSTOOD = frozenset(
    {
        "2.5.29.15",  # key usage
        "2.5.29.17",  # subject alternative name
        "2.5.29.19",  # basic constraints
        "2.5.29.37",  # extended key usage
    }
)
_BROKEN_HASHES = frozenset({"md5", "sha1"})


class CertificateVerifier:
    """Decides whether a client certificate is good, and for whom."""

    def __init__(self, authorities: list[x509.Certificate]) -> None:
        """Take the CA certificates. Those that may not sign certificates verify nothing."""
        self._authorities: dict[bytes, list[x509.Certificate]] = {}
        for authority in authorities:
            if _may_sign(authority):
                self._authorities.setdefault(authority.subject.public_bytes(), []).append(authority)

    @classmethod
    def from_pem(cls, bundle: bytes) -> CertificateVerifier:
        """Read a bundle of PEM certificates; raises ValueError when there is none or one is malformed."""
        from cryptography import x509

        return cls(x509.load_pem_x509_certificates(bundle))

    def verify(self, der: bytes, now: float) -> tuple[UserInfo | None, float]:
        """Return the user of a certificate (None: it names nobody), and the time until which that holds.

        Raises AuthenticationError when the certificate is malformed, not of this bundle, not for clients or not
        valid at ``now`` (seconds since the epoch).
        """
        from cryptography import x509

        try:
            certificate = x509.load_der_x509_certificate(der)
            _check_critical(certificate)
            if not _for_clients(certificate):
                raise AuthenticationError("x509: certificate specifies an incompatible key usage")
            issuer = self._issuer(certificate, now)
            user = _user(certificate, der)
        except (ValueError, x509.DuplicateExtension) as ex:
            raise AuthenticationError(f"x509: malformed certificate: {ex}") from None
        return user, min(_ends(certificate), _ends(issuer))

    def _issuer(self, certificate: x509.Certificate, now: float) -> x509.Certificate:
        _check_validity(certificate, now)
        for authority in self._authorities.get(certificate.issuer.public_bytes(), ()):
            if _signed_by(certificate, authority):
                _check_validity(authority, now)
                return authority
        raise AuthenticationError("x509: certificate signed by unknown authority")


def _check_critical(certificate: x509.Certificate) -> None:
    for extension in certificate.extensions:
        if extension.critical and extension.oid.dotted_string not in _UNDERSTOOD:
            raise AuthenticationError("x509: unhandled critical extension")


def _check_validity(certificate: x509.Certificate, now: float) -> None:
    if not certificate.not_valid_before_utc.timestamp() <= now <= _ends(certificate):
        raise AuthenticationError("x509: certificate has expired or is not yet valid")


def _ends(certificate: x509.Certificate) -> float:
    return certificate.not_valid_after_utc.timestamp()


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        algorithm = certificate.signature_hash_algorithm
        if algorithm is not None and algorithm.name in _BROKEN_HASHES:
            return False
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _may_sign(authority: x509.Certificate) -> bool:
    """Tell whether a certificate of the bundle is one of a CA that may issue client certificates."""
    from cryptography import x509

    try:
        _check_critical(authority)
        if not authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except (x509.ExtensionNotFound, AuthenticationError):
        return False
    try:
        usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return _for_clients(authority)
    return usage.key_cert_sign and _for_clients(authority)


def _for_clients(certificate: x509.Certificate) -> bool:
    """Tell whether the extended key usage, if there is one, includes authentication of clients."""
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    return ExtendedKeyUsageOID.CLIENT_AUTH in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage


def _user(certificate: x509.Certificate, der: bytes) -> UserInfo | None:
    from cryptography.x509 import ObjectIdentifier
    from cryptography.x509.oid import NameOID

    names = _values(certificate, NameOID.COMMON_NAME)
    if not names or not names[-1]:
        return None
    uids = _values(certificate, ObjectIdentifier(_USER_UID))
    if len(uids) > 1 or uids == [""]:
        raise AuthenticationError("x509: the certificate's user uid is ambiguous or empty")
    return UserInfo(
        names[-1],
        uids[0] if uids else "",
        tuple(_values(certificate, NameOID.ORGANIZATION_NAME)),
        {_CREDENTIAL_ID: (f"X509SHA256={hashlib.sha256(der).hexdigest()}",)},
    )


def _values(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> list[str]:
    values = [attribute.value for attribute in certificate.subject.get_attributes_for_oid(oid)]
    return [value if isinstance(value, str) else value.decode("utf-8", "replace") for value in values]
