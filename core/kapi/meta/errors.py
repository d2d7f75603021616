"""Errors that a client sees: ``Status`` objects and the field errors inside them.

Every refusal in kapi is a :class:`StatusError`; one place (:mod:`kapi.endpoints.responses`) turns it into
bytes. Codes, reasons and messages follow the API conventions ("Response Status Kind") and what
apimachinery's ``api/errors`` and ``util/validation/field`` print.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kapi.meta.gvk import GroupKind, GroupResource

NOT_PROVIDED: Any = object()
"""Stands for "no bad value to show" in a FieldError."""


class StatusError(Exception):
    """A refusal, with all that its ``Status`` says.

    ``code`` is the HTTP status, ``reason`` the machine-readable reason ("" for none), ``details`` the Status'
    details (None leaves the field out), ``headers`` extra response headers such as Retry-After.
    """

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the parts of the Status."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        self.headers = dict(headers or {})

    def status(self) -> dict[str, Any]:
        """Return the ``Status`` object (v1) to send."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = dict(self.details)
        body["code"] = self.code
        return body


class FieldError(NamedTuple):
    """One finding about one field; ``reason`` is the CauseType of the API conventions."""

    reason: str
    field: str
    message: str

    def __str__(self) -> str:
        """Return ``field: message`` as it stands in an Invalid Status."""
        return f"{self.field}: {self.message}"


def show(value: Any) -> str:
    """Return a bad value as field errors print it: strings quoted, the rest as JSON."""
    if isinstance(value, str):
        return go_quote(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


def go_quote(text: str) -> str:
    r"""Quote text as Go's ``%q`` does: printable characters stand, others become ``\n``, ``\x07``, ``\u2028``."""
    out = ['"']
    short = {"\a": r"\a", "\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\v": r"\v"}
    for ch in text:
        if ch in '"\\':
            out.append("\\" + ch)
        elif ch in short:
            out.append(short[ch])
        elif ch.isprintable():
            out.append(ch)
        elif ord(ch) < 0x80:
            out.append(f"\\x{ord(ch):02x}")
        elif ord(ch) < 0x10000:
            out.append(f"\\u{ord(ch):04x}")
        else:
            out.append(f"\\U{ord(ch):08x}")
    out.append('"')
    return "".join(out)


def field_required(field: str, detail: str = "") -> FieldError:
    """A required field is missing."""
    return FieldError("FieldValueRequired", field, f"Required value: {detail}" if detail else "Required value")


def field_invalid(field: str, value: Any, detail: str) -> FieldError:
    """A value is malformed or out of bounds."""
    return FieldError("FieldValueInvalid", field, f"Invalid value: {show(value)}: {detail}")


def field_not_supported(field: str, value: Any, supported: Iterable[str]) -> FieldError:
    """A value is not in the enumeration."""
    names = ", ".join(go_quote(name) for name in supported)
    return FieldError("FieldValueNotSupported", field, f"Unsupported value: {show(value)}: supported values: {names}")


def field_duplicate(field: str, value: Any) -> FieldError:
    """A value that must be unique occurs twice."""
    return FieldError("FieldValueDuplicate", field, f"Duplicate value: {show(value)}")


def field_forbidden(field: str, detail: str) -> FieldError:
    """A field must not be set (here, now)."""
    return FieldError("FieldValueForbidden", field, f"Forbidden: {detail}" if detail else "Forbidden")


def field_not_found(field: str, value: Any) -> FieldError:
    """A field refers to something that does not exist."""
    return FieldError("FieldValueNotFound", field, f"Not found: {show(value)}")


def field_too_long(field: str, limit: int) -> FieldError:
    """A value has more than ``limit`` bytes."""
    return FieldError("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def field_too_many(field: str, count: int, limit: int) -> FieldError:
    """A list has more than ``limit`` items."""
    return FieldError("FieldValueTooMany", field, f"Too many: {count}: must have at most {limit} items")


def _resource_details(resource: GroupResource, name: str) -> dict[str, Any]:
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if resource.group:
        details["group"] = resource.group
    if resource.resource:
        details["kind"] = resource.resource
    return details


def not_found(resource: GroupResource, name: str) -> StatusError:
    """The object does not exist."""
    return StatusError(404, "NotFound", f"{resource} {go_quote(name)} not found", _resource_details(resource, name))


def unknown_path() -> StatusError:
    """The path names no resource that is served."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: GroupResource, name: str) -> StatusError:
    """An object of that name is there already."""
    return StatusError(
        409,
        "AlreadyExists",
        f"{resource} {go_quote(name)} already exists",
        _resource_details(resource, name),
    )


def conflict(resource: GroupResource, name: str, message: str) -> StatusError:
    """The write lost a race or broke a precondition; ``message`` says which."""
    return StatusError(
        409,
        "Conflict",
        f"Operation cannot be fulfilled on {resource} {go_quote(name)}: {message}",
        _resource_details(resource, name),
    )


def object_modified(resource: GroupResource, name: str) -> StatusError:
    """The optimistic lock (metadata.resourceVersion) failed."""
    return conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )


def forbidden(resource: GroupResource, name: str, message: str) -> StatusError:
    """The user, or admission, does not allow the request."""
    if not resource.resource:
        text = f"forbidden: {message}"
    elif name:
        text = f"{resource} {go_quote(name)} is forbidden: {message}"
    else:
        text = f"{resource} is forbidden: {message}"
    return StatusError(403, "Forbidden", text, _resource_details(resource, name))


def unauthorized() -> StatusError:
    """No identity could be established."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def bad_request(message: str) -> StatusError:
    """The request is malformed."""
    return StatusError(400, "BadRequest", message)


def method_not_allowed() -> StatusError:
    """The path exists, but not with this HTTP method."""
    return StatusError(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
        {},
    )


def method_not_supported(resource: GroupResource, verb: str) -> StatusError:
    """The resource does not support the verb."""
    return StatusError(
        405,
        "MethodNotAllowed",
        f"{verb} is not supported on resources of kind {go_quote(str(resource))}",
        _resource_details(resource, ""),
    )


def not_acceptable(accepted: Sequence[str]) -> StatusError:
    """The Accept header names nothing that can be produced."""
    return StatusError(
        406,
        "NotAcceptable",
        "only the following media types are accepted: " + ", ".join(accepted),
    )


def unsupported_media_type(accepted: Sequence[str]) -> StatusError:
    """The Content-Type is none that can be read."""
    return StatusError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join(accepted),
    )


def too_large(limit: int) -> StatusError:
    """The body is larger than ``limit`` bytes."""
    return StatusError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}", {})


def expired(message: str) -> StatusError:
    """The resource version or continue token is older than the history that is kept."""
    return StatusError(410, "Expired", message)


def server_timeout(resource: GroupResource, verb: str, retry_after: int) -> StatusError:
    """The operation could not be finished in time; the client may try again."""
    return StatusError(
        500,
        "ServerTimeout",
        f"The {verb} operation against {resource} could not be completed at this time, please try again.",
        {**_resource_details(resource, verb), "retryAfterSeconds": retry_after},
        {"Retry-After": str(retry_after)},
    )


def too_many_requests(message: str, retry_after: int) -> StatusError:
    """The server is busy."""
    return StatusError(
        429,
        "TooManyRequests",
        message,
        {"retryAfterSeconds": retry_after},
        {"Retry-After": str(retry_after)},
    )


def service_unavailable(message: str, retry_after: int = 0) -> StatusError:
    """A part that the request needs is not there now; clients try again by themselves if they are told when."""
    if not retry_after:
        return StatusError(503, "ServiceUnavailable", message)
    return StatusError(
        503,
        "ServiceUnavailable",
        message,
        {"retryAfterSeconds": retry_after},
        {"Retry-After": str(retry_after)},
    )


def internal_error(message: str) -> StatusError:
    """The server failed."""
    return StatusError(
        500,
        "InternalError",
        f"Internal error occurred: {message}",
        {"causes": [{"message": message}]},
    )


def invalid(kind: GroupKind, name: str, errors: Sequence[FieldError]) -> StatusError:
    """The object fails validation.

    ``errors`` in the order in which they were found; the causes list them all, the message says each only once.
    """
    texts = list(dict.fromkeys(str(error) for error in errors))
    details: dict[str, Any] = {}
    if name:
        details["name"] = name
    if kind.group:
        details["group"] = kind.group
    if kind.kind:
        details["kind"] = kind.kind
    if errors:
        details["causes"] = [{"reason": e.reason, "message": e.message, "field": e.field} for e in errors]
    found = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    message = f"{kind} {go_quote(name)} is invalid"
    return StatusError(422, "Invalid", f"{message}: {found}" if texts else message, details)
