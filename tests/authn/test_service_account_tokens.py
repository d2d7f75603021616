import base64
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kapi.authn.service_account_tokens import MAX_TOKEN, SignedTokens, tokens_from_options
from kapi.contracts.authn import AuthenticationError
from kapi.contracts.plugins import Options

ISSUER = "https://kubernetes.default.svc"
NOW = 1_800_000_000


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def write_key(path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Path:
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def key_file(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> Path:
    return write_key(tmp_path / "sa.key", rsa_key)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(key_file: Path, clock: Clock) -> SignedTokens:
    return SignedTokens(issuers=[ISSUER, "old-issuer"], audiences=[ISSUER], signing_key=key_file, clock=clock)


def issue(tokens: SignedTokens, **options: Any) -> str:
    wanted = {"namespace": "ns", "name": "robot", "uid": "u1", "audiences": (), "seconds": 3600, **options}
    return tokens.issue(**wanted).token


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def decoded(segment: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return value


def test_claims_are_those_of_kube_apiserver(tokens: SignedTokens) -> None:
    issued = tokens.issue(
        namespace="ns",
        name="robot",
        uid="u1",
        audiences=["vault"],
        seconds=600,
        bound={"pod": {"name": "p", "uid": "u2"}},
        warn_after=300,
    )
    header, claims = (decoded(segment) for segment in issued.token.split(".")[:2])
    jti = claims.pop("jti")
    assert claims == {
        "aud": ["vault"],
        "exp": NOW + 600,
        "iat": NOW,
        "iss": ISSUER,
        "kubernetes.io": {
            "namespace": "ns",
            "pod": {"name": "p", "uid": "u2"},
            "serviceaccount": {"name": "robot", "uid": "u1"},
            "warnafter": NOW + 300,
        },
        "nbf": NOW,
        "sub": "system:serviceaccount:ns:robot",
    }
    assert len(jti) == 36
    assert header["alg"] == "RS256"
    assert header["kid"] == tokens.public_keys()[0]["kid"]
    assert issued.expires == NOW + 600


def test_what_was_issued_is_verified(tokens: SignedTokens) -> None:
    claims = tokens.verify(issue(tokens))
    assert claims is not None
    assert claims["sub"] == "system:serviceaccount:ns:robot"
    assert claims["aud"] == [ISSUER]


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
def test_keys_on_curves_use_the_algorithm_of_their_curve(tmp_path: Path, curve: ec.EllipticCurve) -> None:
    file = write_key(tmp_path / "ec.key", ec.generate_private_key(curve))
    tokens = SignedTokens(issuers=[ISSUER], audiences=[ISSUER], signing_key=file)
    token = issue(tokens)
    assert decoded(token.split(".")[0])["alg"] == {256: "ES256", 384: "ES384", 521: "ES512"}[curve.key_size]
    assert tokens.verify(token) is not None
    assert set(tokens.public_keys()[0]) == {"use", "kty", "kid", "alg", "crv", "x", "y"}


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "....", "é.é.é", "x" * 100])
def test_other_tokens_are_not_ours(tokens: SignedTokens, token: str) -> None:
    assert tokens.verify(token) is None


def test_tokens_of_another_issuer_are_not_ours(tokens: SignedTokens, key_file: Path) -> None:
    other = SignedTokens(issuers=["https://other"], audiences=[], signing_key=key_file)
    assert tokens.verify(issue(other, audiences=["a"])) is None


def test_older_issuers_are_still_accepted(tokens: SignedTokens, key_file: Path, clock: Clock) -> None:
    older = SignedTokens(issuers=["old-issuer"], audiences=["a"], signing_key=key_file, clock=clock)
    assert tokens.verify(issue(older)) is not None


def test_time_limits_hold_also_for_tokens_that_were_seen_before(tokens: SignedTokens, clock: Clock) -> None:
    token = issue(tokens, seconds=600)
    assert tokens.verify(token) is not None
    clock.now = NOW + 600
    with pytest.raises(AuthenticationError, match="expired"):
        tokens.verify(token)


def test_tokens_from_the_future_are_refused(tokens: SignedTokens, clock: Clock) -> None:
    token = issue(tokens)
    clock.now = NOW - 61
    with pytest.raises(AuthenticationError, match="not valid yet"):
        tokens.verify(token)


def forged(tokens: SignedTokens, header: dict[str, Any], signature: bytes | None = None, **changes: Any) -> str:
    segments = issue(tokens).split(".")
    payload = part({**decoded(segments[1]), **changes}) if changes else segments[1]
    last = segments[2] if signature is None else base64.urlsafe_b64encode(signature).rstrip(b"=").decode()
    return f"{part({**decoded(segments[0]), **header})}.{payload}.{last}"


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "", "HS256", "RS384", "PS256", "ES256", 1, None, ["RS256"]]
)
def test_the_header_does_not_choose_the_algorithm(tokens: SignedTokens, algorithm: object) -> None:
    with pytest.raises(AuthenticationError, match="cryptographic primitive"):
        tokens.verify(forged(tokens, {"alg": algorithm}))


def test_the_public_key_is_no_shared_secret(tokens: SignedTokens, rsa_key: rsa.RSAPrivateKey) -> None:
    pem = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    segments = issue(tokens).split(".")
    head = f"{part({'alg': 'HS256'})}.{segments[1]}"
    mac = base64.urlsafe_b64encode(hmac.digest(pem, head.encode(), "sha256")).rstrip(b"=").decode()
    with pytest.raises(AuthenticationError):
        tokens.verify(f"{head}.{mac}")


@pytest.mark.parametrize("place", ["jwk", "jku", "x5u", "x5c"])
def test_keys_in_headers_are_never_used(tokens: SignedTokens, place: str) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    numbers = stranger.public_key().public_numbers()

    def number(value: int) -> str:
        return base64.urlsafe_b64encode(value.to_bytes(256, "big").lstrip(b"\0")).rstrip(b"=").decode()

    key = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
    header = {"alg": "RS256", place: key if place == "jwk" else "https://attacker.example/keys"}
    head = f"{part(header)}.{issue(tokens).split('.')[1]}"
    made = stranger.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
    signature = base64.urlsafe_b64encode(made).rstrip(b"=").decode()
    with pytest.raises(AuthenticationError):
        tokens.verify(f"{head}.{signature}")


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"crit": []}, {"b64": False}, {"b64": False, "crit": ["b64"]}])
def test_special_requests_in_headers_are_refused(tokens: SignedTokens, header: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError):
        tokens.verify(forged(tokens, header))


@pytest.mark.parametrize("kid", ["x", "../../etc/passwd", "' OR 1=1 --", ["x"], {"a": 1}, 5])
def test_unknown_key_ids_find_no_key(tokens: SignedTokens, kid: object) -> None:
    with pytest.raises(AuthenticationError, match="^invalid signature, no keys found$"):
        tokens.verify(forged(tokens, {"kid": kid}))


@pytest.mark.parametrize(
    "change", [{"sub": "system:serviceaccount:kube-system:admin"}, {"exp": NOW * 2}, {"aud": ["x"]}]
)
def test_changed_claims_break_the_signature(tokens: SignedTokens, change: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError, match="cryptographic primitive"):
        tokens.verify(forged(tokens, {}, **change))


def test_one_signature_and_no_more(tokens: SignedTokens) -> None:
    token = issue(tokens)
    assert tokens.verify(f"{token}.x") is None
    for wrong in (f"{token}x", f"{token}=", token[:-4]):
        with pytest.raises(AuthenticationError):
            tokens.verify(wrong)
    flattened = json.dumps({"payload": token.split(".")[1], "signatures": []})
    assert tokens.verify(flattened) is None


def test_huge_tokens_are_not_looked_at(tokens: SignedTokens) -> None:
    head, payload, _ = issue(tokens).split(".")
    assert tokens.verify(f"{head}.{payload}.{'A' * MAX_TOKEN}") is None
    assert tokens.verify(f"{'W' * 30_000}.{payload}.x") is None


def test_deeply_nested_tokens_do_no_harm(tokens: SignedTokens) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 20_000).rstrip(b"=").decode()
    assert tokens.verify(f"{deep}.{deep}.x") is None


BAD_CLAIMS: list[dict[str, Any]] = [
    {"iat": None},
    {"exp": None},
    {"exp": True},
    {"nbf": "1"},
    {"aud": None},
    {"aud": [1]},
    {"sub": "system:serviceaccount:other:robot"},
    {"sub": None},
    {"kubernetes.io": None},
    {"kubernetes.io": {"namespace": "ns", "serviceaccount": {"name": ""}}},
    {"kubernetes.io": {"namespace": "ns", "serviceaccount": {"name": "robot", "uid": 1}}},
    {"kubernetes.io": {"namespace": "ns", "serviceaccount": {"name": "robot", "uid": "u"}, "pod": []}},
]


@pytest.mark.parametrize("change", BAD_CLAIMS, ids=str)
def test_signed_tokens_of_another_shape_are_refused(
    tokens: SignedTokens, rsa_key: rsa.RSAPrivateKey, change: dict[str, Any]
) -> None:
    header, payload, _ = issue(tokens).split(".")
    head = f"{header}.{part({**decoded(payload), **change})}"
    made = rsa_key.sign(head.encode(), padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(AuthenticationError, match="service account token"):
        tokens.verify(f"{head}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}")


def test_further_keys_verify_too_and_are_published_once(tokens: SignedTokens, tmp_path: Path, clock: Clock) -> None:
    old = ec.generate_private_key(ec.SECP256R1())
    old_file = write_key(tmp_path / "old.key", old)
    public = tmp_path / "old.pub"
    public.write_bytes(old.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    before = SignedTokens(issuers=[ISSUER], audiences=[ISSUER], signing_key=old_file, clock=clock)
    after = SignedTokens(
        issuers=[ISSUER],
        audiences=[ISSUER],
        signing_key=tmp_path / "sa.key",
        verification_keys=[public, old_file, tmp_path / "sa.key"],
        clock=clock,
    )
    assert after.verify(issue(before)) is not None
    assert [key["kty"] for key in after.public_keys()] == ["RSA", "EC"]
    with pytest.raises(AuthenticationError, match="no keys found"):
        before.verify(issue(tokens))


def test_public_keys_hold_nothing_private(tokens: SignedTokens) -> None:
    assert [list(key) for key in tokens.public_keys()] == [["use", "kty", "kid", "alg", "n", "e"]]


def test_weak_keys_and_files_without_keys_are_refused(tmp_path: Path) -> None:
    weak = write_key(tmp_path / "weak.key", rsa.generate_private_key(65537, 1024))
    empty = tmp_path / "empty.pem"
    empty.write_text("nothing")
    with pytest.raises(ValueError, match="2048"):
        SignedTokens(issuers=[ISSUER], audiences=[], signing_key=weak).public_keys()
    with pytest.raises(ValueError, match="holds no key"):
        SignedTokens(issuers=[ISSUER], audiences=[], signing_key=empty).public_keys()


def test_options_name_files_issuers_and_audiences(key_file: Path) -> None:
    values = {
        "service-account-signing-key-file": key_file,
        "service-account-key-file": (str(key_file),),
        "service-account-issuer": ("i1", "i2"),
        "api-audiences": (),
    }
    made = tokens_from_options(Options(values))
    assert made is not None
    assert (made.issuer, made.audiences) == ("i1", ("i1",))
    assert tokens_from_options(Options({**values, "service-account-signing-key-file": None})) is None
