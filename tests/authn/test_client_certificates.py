import datetime as dt
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kapi.contracts.authn import AuthenticationError, AuthnRequest, UserInfo
from kapi_authn.certificates import CertificateVerifier
from kapi_authn.x509 import CertificateAuthenticator

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
CLIENT = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
SERVER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


class Issuer:
    """A certificate with its key, able to issue others."""

    def __init__(self, name: str, *, by: "Issuer | None" = None, ca: bool = True, **options: Any) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        constraints = x509.BasicConstraints(ca=ca, path_length=None)
        self.certificate = certificate(self.name, self.key, by or self, extensions=[(constraints, True)], **options)

    def issue(self, name: x509.Name, **options: Any) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        options.setdefault("extensions", [(CLIENT, False)])
        return certificate(name, key, self, **options).public_bytes(Encoding.DER)


def certificate(
    name: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: Issuer,
    *,
    extensions: list[tuple[x509.ExtensionType, bool]],
    begin: dt.datetime = NOW - HOUR,
    end: dt.datetime = NOW + HOUR,
) -> x509.Certificate:
    builder = x509.CertificateBuilder(issuer.name, name, key.public_key(), x509.random_serial_number(), begin, end)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, hashes.SHA256())


def subject(common_name: str | None, *organizations: str, uid: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in organizations]
    if common_name is not None:
        parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name, _validate=False))
    if uid:
        parts.append(x509.NameAttribute(x509.ObjectIdentifier("1.3.6.1.4.1.57683.2"), uid))
    return x509.Name(parts)


@pytest.fixture(scope="module")
def authority() -> Issuer:
    return Issuer("client-ca")


@pytest.fixture(scope="module")
def verifier(authority: Issuer) -> CertificateVerifier:
    return CertificateVerifier.from_pem(authority.certificate.public_bytes(Encoding.PEM))


def verified(verifier: CertificateVerifier, der: bytes) -> UserInfo | None:
    return verifier.verify(der, NOW.timestamp())[0]


def test_common_name_and_organizations_become_user_and_groups(verifier: CertificateVerifier, authority: Issuer) -> None:
    der = authority.issue(subject("alice", "dev", "qa", uid="u-1"))
    user = verified(verifier, der)
    assert user == UserInfo(
        "alice",
        "u-1",
        ("dev", "qa"),
        {"authentication.kubernetes.io/credential-id": (f"X509SHA256={hashlib.sha256(der).hexdigest()}",)},
    )


def test_no_or_an_empty_common_name_names_nobody(verifier: CertificateVerifier, authority: Issuer) -> None:
    assert verified(verifier, authority.issue(subject(None, "system:masters"))) is None


def test_a_certificate_without_extended_usage_is_good_for_clients(
    verifier: CertificateVerifier, authority: Issuer
) -> None:
    assert verified(verifier, authority.issue(subject("alice"), extensions=[])) is not None


BAD: dict[str, Callable[[Issuer], bytes]] = {
    "for servers only": lambda ca: ca.issue(subject("a"), extensions=[(SERVER, False)]),
    "expired": lambda ca: ca.issue(subject("a"), begin=NOW - 2 * HOUR, end=NOW - HOUR),
    "not valid yet": lambda ca: ca.issue(subject("a"), begin=NOW + HOUR, end=NOW + 2 * HOUR),
    "of another authority": lambda ca: Issuer("other").issue(subject("a", "system:masters")),
    "of an authority with the same name": lambda ca: Issuer("client-ca").issue(subject("a", "system:masters")),
    "of a client's certificate": lambda ca: Issuer("alice", by=ca, ca=False).issue(subject("a", "system:masters")),
    "self-signed": lambda ca: Issuer("admin", ca=False).certificate.public_bytes(Encoding.DER),
    "with an unknown critical extension": lambda ca: ca.issue(
        subject("a"), extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]
    ),
    "no certificate at all": lambda ca: b"nonsense",
    "empty": lambda ca: b"\x30\x00",
}


@pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())
def test_bad_certificates_are_refused(
    verifier: CertificateVerifier, authority: Issuer, make: Callable[[Issuer], bytes]
) -> None:
    with pytest.raises(AuthenticationError, match="x509"):
        verified(verifier, make(authority))


def test_certificates_that_are_no_authorities_verify_nothing() -> None:
    leaf = Issuer("leaf", ca=False)
    with pytest.raises(AuthenticationError, match="unknown authority"):
        verified(CertificateVerifier([leaf.certificate]), leaf.issue(subject("a")))


def test_nothing_outlives_its_authority() -> None:
    old = Issuer("old", begin=NOW - 3 * HOUR, end=NOW - HOUR)
    with pytest.raises(AuthenticationError, match="expired"):
        verified(CertificateVerifier([old.certificate]), old.issue(subject("a")))


def test_a_bundle_without_certificates_is_an_error() -> None:
    with pytest.raises(ValueError, match=r".+"):
        CertificateVerifier.from_pem(b"# nothing\n")


async def test_what_was_verified_is_remembered_until_it_expires(authority: Issuer) -> None:
    calls: list[bytes] = []
    now = NOW.timestamp()

    class Counting(CertificateVerifier):
        def verify(self, der: bytes, now: float) -> tuple[UserInfo | None, float]:
            calls.append(der)
            return super().verify(der, now)

    authenticator = CertificateAuthenticator(Counting([authority.certificate]), lambda: now)
    asked = AuthnRequest("GET", "/", [], authority.issue(subject("alice")))
    for _ in range(3):
        response = await authenticator.authenticate_request(asked)
        assert response is not None
        assert response.user.name == "alice"
    assert len(calls) == 1
    now = (NOW + HOUR).timestamp() + 1
    with pytest.raises(AuthenticationError, match="expired"):
        await authenticator.authenticate_request(asked)


async def test_no_certificate_is_no_opinion(verifier: CertificateVerifier) -> None:
    assert await CertificateAuthenticator(verifier).authenticate_request(AuthnRequest("GET", "/", [])) is None
