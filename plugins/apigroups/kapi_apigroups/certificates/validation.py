"""What makes a request for a certificate invalid."""

import base64
import re
from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_duplicate, field_forbidden, field_invalid, field_required
from kapi.meta.names import dns1123_subdomain
from kapi_apigroups.common.fields import one_of

DECISIONS = ("Approved", "Denied")
"""The conditions that only the ``approval`` subresource sets."""

_USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
_SHORTEST = 600
_LEGACY = "kubernetes.io/legacy-unknown"
_REQUEST_TYPE = "PEM block type must be CERTIFICATE REQUEST"
_SIGNER_SYNTAX = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
_HIDDEN = "<certificate data>"
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\r?\n(?:[A-Za-z-]+: [^\n]*\n)*([A-Za-z0-9+/=\s]*?)-----END \1-----")


def pem_blocks(data: bytes) -> list[tuple[str, bytes]]:
    """Return the PEM blocks of a text: their types and what they hold (empty for broken base64)."""
    return [(match[1].decode("ascii"), _decoded(match[2])) for match in _PEM.finditer(data)]


def _decoded(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(encoded.split()), validate=True)
    except ValueError:
        return b""


def validate_request_data(spec: Object) -> Iterator[FieldError]:
    """Yield an error when ``spec.request`` holds no well-formed request."""
    request = spec.get("request")
    blocks = pem_blocks(_decoded((request or "").encode("ascii", "replace")))
    if not blocks or blocks[0][0] != "CERTIFICATE REQUEST":
        yield field_invalid("spec.request", request, _REQUEST_TYPE)
        return
    problem = _request_problem(blocks[0][1])
    if problem:
        yield field_invalid("spec.request", request, problem)


def _request_problem(der: bytes) -> str:
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        request = x509.load_der_x509_csr(der)
        valid = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
        return str(problem) or "malformed certificate request"
    return "" if valid else "x509: certificate request signature is invalid"


def validate_request(spec: Object) -> Iterator[FieldError]:
    """Yield what is wrong with the rest of the spec."""
    usages = spec.get("usages") or []
    if not usages:
        yield field_required("spec.usages")
    for index, usage in enumerate(usages):
        yield from one_of(usage, f"spec.usages[{index}]", _USAGES)
    for index, usage in enumerate(usages):
        if usage in usages[:index]:
            yield field_duplicate(f"spec.usages[{index}]", usage)
    signer = spec.get("signerName", "")
    if signer == _LEGACY:
        yield field_invalid("spec.signerName", signer, "the legacy signerName is not allowed via this API version")
    else:
        yield from _validate_signer(signer)
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < _SHORTEST:
        detail = f"may not specify a duration less than {_SHORTEST} seconds (10 minutes)"
        yield field_invalid("spec.expirationSeconds", seconds, detail)


def _validate_signer(signer: str) -> Iterator[FieldError]:
    path = "spec.signerName"
    if not signer:
        yield field_required(path)
        return
    domain, slash, rest = signer.partition("/")
    if not slash or "/" in rest:
        yield field_invalid(path, signer, _SIGNER_SYNTAX)
        return
    for part in (domain, rest):
        for problem in dns1123_subdomain(part):
            yield field_invalid(path, signer, f"validating label {part!r}: {problem}")


def validate_conditions(conditions: Iterable[Object]) -> Iterator[FieldError]:
    """Yield what is wrong with the conditions by themselves."""
    decisions: set[str] = set()
    for index, condition in enumerate(conditions):
        path, kind = f"status.conditions[{index}]", condition.get("type", "")
        if not kind:
            yield field_required(f"{path}.type")
        if kind in ("Approved", "Denied", "Failed"):
            yield from one_of(condition.get("status", ""), f"{path}.status", ("True",))
        if kind in DECISIONS:
            if decisions and kind not in decisions:
                detail = "Approved and Denied conditions are mutually exclusive"
                yield field_invalid("status.conditions", kind, detail)
            decisions.add(kind)


def validate_kept_conditions(
    conditions: Iterable[Object], old: Iterable[Object], kinds: tuple[str, ...]
) -> Iterator[FieldError]:
    """Yield an error for each final condition that was there and is gone."""
    present = {one.get("type") for one in conditions}
    for kind in dict.fromkeys(one.get("type") for one in old):
        if kind in kinds and kind not in present:
            yield field_forbidden("status.conditions", f'updates may not remove a condition of type "{kind}"')


def validate_status(obj: Object, old: Object) -> Iterator[FieldError]:
    """Yield what is wrong with the certificate; it cannot be replaced."""
    certificate, before = obj.get("status", {}).get("certificate"), old.get("status", {}).get("certificate")
    if certificate == before:
        return
    if before:
        yield field_forbidden("status.certificate", "updates may not modify a set certificate")
    elif certificate:
        blocks = [kind for kind, _ in pem_blocks(_decoded(certificate.encode("ascii", "replace")))]
        if "CERTIFICATE" not in blocks:
            yield field_invalid("status.certificate", _HIDDEN, "must contain at least one CERTIFICATE PEM block")
