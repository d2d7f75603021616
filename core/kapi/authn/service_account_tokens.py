"""Service account tokens: JSON web tokens (RFC 7519) that this server signs and verifies.

Strict by construction: the algorithm follows from the key, keys come only from the server's own files, and a token
whose header asks for anything special (``crit``, an unencoded payload) is refused. Keys in headers are never used.
"""

import hashlib
import json
import secrets
import time
import uuid
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from kapi.contracts.authn import AuthenticationError, IssuedToken
from kapi.contracts.plugins import Options

if TYPE_CHECKING:
    from kapi.authn.signing_keys import SigningKey, VerificationKey

MAX_TOKEN = 64 * 1024
_CLOCK_SKEW = 60
_CACHED = 4096
_NAMESPACED_CLAIMS = "kubernetes.io"


class _Parsed(NamedTuple):
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


class SignedTokens:
    """Signs with one key and verifies with several; see :class:`kapi.contracts.authn.ServiceAccountTokens`.

    Key files are read when they are first needed.
    """

    def __init__(
        self,
        *,
        issuers: Sequence[str],
        audiences: Sequence[str],
        signing_key: Path,
        verification_keys: Sequence[Path] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take the issuers (the first signs, all are accepted), the audiences of this server and PEM files.

        The key that signs verifies too.
        """
        self.issuer = issuers[0]
        self.audiences = tuple(audiences)
        self._issuers = frozenset(issuers)
        self._signing_file = signing_key
        self._files = tuple(verification_keys)
        self._clock = clock
        self._signer: SigningKey | None = None
        self._keys: list[VerificationKey] | None = None
        self._secret = secrets.token_bytes(32)
        self._verified: dict[bytes, Mapping[str, Any]] = {}

    def issue(
        self,
        *,
        namespace: str,
        name: str,
        uid: str,
        audiences: Sequence[str],
        seconds: int,
        bound: Mapping[str, Mapping[str, str]] | None = None,
        warn_after: int = 0,
    ) -> IssuedToken:
        """Sign a token; raises OSError or ValueError when the signing key cannot be used."""
        now = int(self._clock())
        about: dict[str, Any] = {"namespace": namespace, **(bound or {}), "serviceaccount": {"name": name, "uid": uid}}
        if warn_after:
            about["warnafter"] = now + warn_after
        claims = {
            "aud": list(audiences or self.audiences),
            "exp": now + seconds,
            "iat": now,
            "iss": self.issuer,
            "jti": str(uuid.uuid4()),
            _NAMESPACED_CLAIMS: about,
            "nbf": now,
            "sub": f"system:serviceaccount:{namespace}:{name}",
        }
        payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
        return IssuedToken(self._load_signer().sign(payload), now + seconds)

    def verify(self, token: str) -> Mapping[str, Any] | None:
        """Return the claims; None for a token of another issuer. Raises AuthenticationError."""
        parsed = _parse(token)
        if parsed is None or parsed.claims.get("iss") not in self._issuers:
            return None
        digest = hashlib.blake2b(token.encode(), key=self._secret, digest_size=32).digest()
        claims = self._verified.get(digest)
        if claims is None:
            self._check_signature(token, parsed.header)
            claims = _checked_shape(parsed.claims)
        _check_times(claims, self._clock())
        self._remember(digest, claims)
        return claims

    def public_keys(self) -> Sequence[Mapping[str, Any]]:
        """Return the verification keys as JWKs."""
        return [key.jwk() for key in self._load()]

    def _remember(self, digest: bytes, claims: Mapping[str, Any]) -> None:
        if digest not in self._verified and len(self._verified) >= _CACHED:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = claims

    def _check_signature(self, token: str, header: Mapping[str, Any]) -> None:
        """Verify the one signature of a compact token; raises AuthenticationError, worded as kube-apiserver does."""
        if header.keys() & {"crit", "b64"}:
            raise AuthenticationError("invalid signature, unsupported header parameters")
        kid = header.get("kid") or ""
        keys = [key for key in self._load() if kid in ("", key.kid)]
        if not keys:
            raise AuthenticationError("invalid signature, no keys found")
        if not any(key.verifies(token, header.get("alg")) for key in keys):
            raise AuthenticationError("go-jose/go-jose: error in cryptographic primitive")

    def _load_signer(self) -> "SigningKey":
        if self._signer is None:
            from kapi.authn.signing_keys import SigningKey

            self._signer = SigningKey(self._signing_file.read_bytes())
        return self._signer

    def _load(self) -> "list[VerificationKey]":
        if self._keys is None:
            from kapi.authn.signing_keys import read_verification_keys

            self._keys = read_verification_keys((self._signing_file, *self._files))
        return self._keys


def tokens_from_options(options: Options) -> SignedTokens | None:
    """Return the signer and verifier that the flags describe; None without a signing key.

    Reads ``--service-account-signing-key-file``, ``-key-file``, ``-issuer`` and ``--api-audiences``.
    """
    signing = options.get("service-account-signing-key-file")
    issuers: Sequence[str] = options.get("service-account-issuer") or ()
    if not signing or not issuers:
        return None
    files: Iterable[str | Path] = options.get("service-account-key-file") or ()
    return SignedTokens(
        issuers=issuers,
        audiences=options.get("api-audiences") or issuers[:1],
        signing_key=Path(signing),
        verification_keys=[Path(name) for name in files],
    )


def _parse(token: str) -> _Parsed | None:
    """Split a compact token; None when it is none (then it is a matter for other authenticators)."""
    parts = token.split(".", 3)
    if len(parts) != 3 or len(token) > MAX_TOKEN:
        return None
    header, claims = _decode(parts[0]), _decode(parts[1])
    return _Parsed(header, claims) if header is not None and claims is not None else None


def _decode(part: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (Base64Error, UnicodeError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _checked_shape(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return claims that have the types and the subject that this server's tokens have; raises AuthenticationError."""
    about = claims.get(_NAMESPACED_CLAIMS)
    numbers = (claims.get("exp"), claims.get("iat"), claims.get("nbf"))
    audiences = [claims["aud"]] if isinstance(claims.get("aud"), str) else claims.get("aud")
    if (
        not isinstance(about, dict)
        or not isinstance(about.get("namespace"), str)
        or not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)
        or not isinstance(audiences, list)
        or not all(isinstance(name, str) for name in audiences)
        or not all(_is_reference(about.get(part, {})) for part in ("serviceaccount", "pod", "secret", "node"))
    ):
        raise AuthenticationError("service account token claims could not be validated due to unexpected condition")
    account = about.get("serviceaccount", {}).get("name")
    if not account or claims.get("sub") != f"system:serviceaccount:{about['namespace']}:{account}":
        raise AuthenticationError("service account token subject does not match its claims")
    return {**claims, "aud": audiences}


def _is_reference(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    if now >= cast(int, claims["exp"]):
        raise AuthenticationError("service account token has expired")
    if now + _CLOCK_SKEW < cast(int, claims["nbf"]):
        raise AuthenticationError("service account token is not valid yet")
    if now + _CLOCK_SKEW < cast(int, claims["iat"]):
        raise AuthenticationError("service account token is issued in the future")
