"""The TLS context of the server."""

import ssl
from pathlib import Path

from kapi.config.checks import TLS12_SUITES
from kapi.config.completed import CertificatePair, CompletedConfig


class TLSError(Exception):
    """A certificate, key or CA file cannot be used; the message is one line."""


def server_context(config: CompletedConfig) -> ssl.SSLContext:
    """Return the context that ``config`` asks for. Raises TLSError.

    Client certificates are asked for, not demanded. Unlike Go's, Python's TLS can only verify them during the
    handshake: one that the client CA did not sign ends the connection, where kube-apiserver would answer 401.
    """
    context = _context(config, config.serving_certificate)
    named: dict[str, ssl.SSLContext] = {}
    for item in config.sni_certificates:
        other = _context(config, item.pair)
        named |= {name.lower(): other for name in item.names or _names(item.pair.certificate)}
    if named:
        context.sni_callback = lambda tls, name, _: _choose(tls, name, named)
    return context


def _context(config: CompletedConfig, pair: CertificatePair) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls13 = config.tls_min_version == "VersionTLS13"
    context.minimum_version = ssl.TLSVersion.TLSv1_3 if tls13 else ssl.TLSVersion.TLSv1_2
    suites = [TLS12_SUITES[name] for name in config.tls_cipher_suites if name in TLS12_SUITES]
    context.set_ciphers(":".join(suites) if suites else "ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    _load_pair(context, pair)
    context.verify_mode = ssl.CERT_OPTIONAL
    _load_authority(context, config.client_ca_file)
    return context


def _load_pair(context: ssl.SSLContext, pair: CertificatePair) -> None:
    for path in pair:
        _readable(path)
    try:
        context.load_cert_chain(pair.certificate, pair.key, password=_no_password)
    except (ssl.SSLError, ValueError) as ex:
        raise TLSError(f"{pair.certificate} and {pair.key} are no usable certificate and key: {_reason(ex)}") from ex


def _load_authority(context: ssl.SSLContext, path: Path) -> None:
    _readable(path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as ex:
        raise TLSError(f"{path} holds no usable CA certificate: {_reason(ex)}") from ex


def _readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as ex:
        raise TLSError(f"cannot read {path}: {ex.strerror}") from ex


def _no_password() -> str:
    raise ValueError("the key is encrypted, which is not supported")


def _reason(ex: Exception) -> str:
    return str(getattr(ex, "reason", "") or ex)


def _names(certificate: Path) -> tuple[str, ...]:
    """Return the host names that a certificate is made out to."""
    from cryptography import x509

    try:
        parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
        found = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return ()
    return tuple(found.get_values_for_type(x509.DNSName))


def _choose(tls: ssl.SSLObject | ssl.SSLSocket, name: str | None, named: dict[str, ssl.SSLContext]) -> None:
    """Switch to the certificate for the host name that the client asks for, wildcards included."""
    host = (name or "").lower()
    chosen = named.get(host) or named.get("*." + host.partition(".")[2])
    if chosen is not None:
        tls.context = chosen
