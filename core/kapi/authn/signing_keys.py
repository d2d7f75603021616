"""Keys of service account tokens. Imports the cryptographic libraries: load it when a token is at hand."""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

_EC_ALGORITHMS = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_MIN_RSA_BITS = 2048
_WRONG_KIND = "service account keys are RSA keys or EC keys on P-256, P-384 or P-521"

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class VerificationKey:
    """A public key, with the one algorithm for which it is used and the id by which tokens name it."""

    def __init__(self, key: PublicKey) -> None:
        """Take the key; raises ValueError for kinds of keys that are not used for tokens."""
        self.algorithm = algorithm_of(key)
        self.kid = key_id(key)
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._key = _import(self.algorithm, pem)

    def verifies(self, token: str, algorithm: object) -> bool:
        """Tell whether this key made the signature of a compact token that claims to use ``algorithm``."""
        if algorithm != self.algorithm:
            return False
        try:
            jws.deserialize_compact(token, self._key, algorithms=[self.algorithm])
        except (JoseError, ValueError):
            return False
        return True

    def jwk(self) -> Mapping[str, Any]:
        """Return the key as a JWK (RFC 7517)."""
        numbers = self._key.as_dict(private=False)
        fields = ("crv", "x", "y") if numbers["kty"] == "EC" else ("n", "e")
        described = {"use": "sig", "kty": numbers["kty"], "kid": self.kid, "alg": self.algorithm}
        return {**described, **{field: numbers[field] for field in fields}}


class SigningKey:
    """A private key that signs tokens."""

    def __init__(self, pem: bytes) -> None:
        """Take the key in PEM form; raises ValueError when it is none or of a kind that is not used for tokens."""
        private = load_pem_private_key(pem, None)
        if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            raise ValueError(_WRONG_KIND)
        algorithm = algorithm_of(private)
        normal = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self._key = _import(algorithm, normal)
        self._header = {"alg": algorithm, "kid": key_id(private.public_key())}

    def sign(self, payload: bytes) -> str:
        """Return the compact token with ``payload``."""
        return jws.serialize_compact(self._header, payload, self._key, algorithms=[self._header["alg"]])


def algorithm_of(key: PublicKey | PrivateKey) -> str:
    """Return the JWS algorithm for a key; raises ValueError for one that is too weak or of another kind."""
    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        if key.key_size < _MIN_RSA_BITS:
            raise ValueError(f"RSA keys need {_MIN_RSA_BITS} bits, this one has {key.key_size}")
        return "RS256"
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey) and key.curve.name in _EC_ALGORITHMS:
        return _EC_ALGORITHMS[key.curve.name]
    raise ValueError(_WRONG_KIND)


def key_id(key: PublicKey) -> str:
    """Return the id of a key: the hash of its DER form, as kube-apiserver makes it."""
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def read_verification_keys(files: Iterable[Path]) -> list[VerificationKey]:
    """Return the public keys in PEM files (public or private keys, certificates), each once.

    Raises OSError, or ValueError for a file without a usable key.
    """
    keys: dict[str, VerificationKey] = {}
    for file in files:
        found = _public_keys(file.read_bytes())
        if not found:
            raise ValueError(f"{file} holds no key")
        for public in found:
            key = VerificationKey(public)
            keys.setdefault(key.kid, key)
    return list(keys.values())


def _import(algorithm: str, pem: bytes) -> RSAKey | ECKey:
    return RSAKey.import_key(pem) if algorithm.startswith("RS") else ECKey.import_key(pem)


def _public_keys(pem: bytes) -> list[PublicKey]:
    found: list[PublicKey] = []
    for block in _PEM.finditer(pem):
        key = _public_key(block.group(1), block.group(0))
        if key is not None:
            found.append(key)
    return found


def _public_key(label: bytes, block: bytes) -> PublicKey | None:
    if label == b"CERTIFICATE":
        key: object = x509.load_pem_x509_certificate(block).public_key()
    elif label.endswith(b"PRIVATE KEY"):
        key = load_pem_private_key(block, None).public_key()
    elif label.endswith(b"PUBLIC KEY"):
        key = load_pem_public_key(block)
    else:
        return None
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise ValueError(_WRONG_KIND)
    return key
