import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from kapi.contracts.authn import AuthenticationError, AuthnRequest, AuthnResponse, UserInfo
from kapi.contracts.plugins import BuildContext, Options
from kapi_authn.request_header import build, kapi_register_authenticators

NOW = dt.datetime.now(dt.UTC)


def name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    def __init__(self, common_name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name(common_name)
        self.pem = self.sign(self.name, self.key, ca=True).public_bytes(Encoding.PEM)

    def sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        begin, end = NOW - dt.timedelta(hours=1), NOW + dt.timedelta(hours=1)
        builder = x509.CertificateBuilder(self.name, subject, key.public_key(), 1, begin, end)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return builder.sign(self.key, hashes.SHA256())

    def certificate(self, common_name: str) -> bytes:
        key = ec.generate_private_key(ec.SECP256R1())
        return self.sign(name(common_name), key, ca=False).public_bytes(Encoding.DER)


@pytest.fixture(scope="module")
def proxies() -> Authority:
    return Authority("front-proxy-ca")


def options(path: Path | None, **changes: tuple[str, ...]) -> Options:
    values: dict[str, object] = {option.name: option.default for option in kapi_register_authenticators()[0].options}
    values |= {
        "requestheader-client-ca-file": path,
        "requestheader-username-headers": ("X-Remote-User", "X-Other-User"),
        "requestheader-uid-headers": ("X-Remote-Uid",),
        "requestheader-group-headers": ("X-Remote-Group",),
        "requestheader-extra-headers-prefix": ("X-Remote-Extra-",),
    }
    return Options({**values, **{f"requestheader-{key.replace('_', '-')}": value for key, value in changes.items()}})


async def ask(
    folder: Path,
    authority: Authority,
    certificate: bytes | None,
    *headers: tuple[bytes, bytes],
    **changes: tuple[str, ...],
) -> AuthnResponse | None:
    path = folder / "ca.pem"
    path.write_bytes(authority.pem)
    built = build(BuildContext(options(path, **changes), folder))
    assert built is not None
    return await built.authenticate_request(AuthnRequest("GET", "/", headers, certificate))


USER = (b"x-remote-user", b"jane")


async def test_a_proxy_names_users(tmp_path: Path, proxies: Authority) -> None:
    response = await ask(
        tmp_path,
        proxies,
        proxies.certificate("proxy"),
        USER,
        (b"x-remote-uid", b"u1"),
        (b"x-remote-group", b"dev"),
        (b"x-remote-group", b"qa"),
        (b"x-remote-extra-acme.com%2fproject", b"a"),
        (b"x-remote-extra-acme.com%2fproject", b"b"),
    )
    assert response == AuthnResponse(UserInfo("jane", "u1", ("dev", "qa"), {"acme.com/project": ("a", "b")}))


async def test_headers_without_a_certificate_mean_nothing(tmp_path: Path, proxies: Authority) -> None:
    assert await ask(tmp_path, proxies, None, USER) is None


async def test_certificates_of_users_name_nobody_else(tmp_path: Path, proxies: Authority) -> None:
    with pytest.raises(AuthenticationError, match="unknown authority"):
        await ask(tmp_path, proxies, Authority("client-ca").certificate("proxy"), USER)


async def test_only_listed_proxies_are_believed(tmp_path: Path, proxies: Authority) -> None:
    allowed = ("front-proxy-client",)
    with pytest.raises(AuthenticationError, match="allowed"):
        await ask(tmp_path, proxies, proxies.certificate("kubelet"), USER, allowed_names=allowed)
    good = await ask(tmp_path, proxies, proxies.certificate("front-proxy-client"), USER, allowed_names=allowed)
    assert good is not None


@pytest.mark.parametrize("header", [(b"x-remote-user", b""), (b"x_remote_user", b"jane"), (b"accept", b"*/*")])
async def test_a_proxy_that_names_nobody_is_nobody(
    tmp_path: Path, proxies: Authority, header: tuple[bytes, bytes]
) -> None:
    assert await ask(tmp_path, proxies, proxies.certificate("proxy"), header) is None


async def test_the_first_header_that_says_something_counts(tmp_path: Path, proxies: Authority) -> None:
    headers = ((b"x-other-user", b"second"), (b"x-remote-user", b""))
    response = await ask(tmp_path, proxies, proxies.certificate("proxy"), *headers)
    assert response is not None
    assert response.user.name == "second"


async def test_an_unusable_bundle_refuses(tmp_path: Path) -> None:
    built = build(BuildContext(options(tmp_path / "missing.pem"), tmp_path))
    assert built is not None
    with pytest.raises(AuthenticationError, match="cannot be used"):
        await built.authenticate_request(AuthnRequest("GET", "/", [USER], b"x"))


def test_without_a_bundle_there_is_no_such_authenticator(tmp_path: Path) -> None:
    assert build(BuildContext(options(None), tmp_path)) is None
