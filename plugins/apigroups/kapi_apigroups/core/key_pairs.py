"""Whether the certificate and key of a TLS secret belong together."""

import base64


def key_pair_problem(certificate: str, key: str) -> str:
    """Return what is wrong with a pair given as base64 of PEM, "" for nothing."""
    chain, private = (base64.b64decode(text) for text in (certificate, key))
    if b"-----BEGIN CERTIFICATE-----" not in chain:
        return "tls: failed to find any PEM data in certificate input"
    if b"PRIVATE KEY-----" not in private:
        return "tls: failed to find any PEM data in key input"
    return _mismatch(chain, private)


def _mismatch(chain: bytes, private: bytes) -> str:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        public = load_pem_x509_certificate(chain).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return "x509: malformed certificate"
    try:
        own = load_pem_private_key(private, None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "tls: failed to parse private key"
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if public.public_bytes(*form) != own.public_bytes(*form):
        return "tls: private key does not match public key"
    return ""
