"""How a webhook is reached (WebhookClientConfig of admissionregistration and apiextensions), and its service."""

from collections.abc import Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.names import dns1123_subdomain

DEFAULT_PORT = 443
_FORM = "desired format: https://host[/path]"


def default_client_config(config: Object) -> None:
    """Fill in the port of the service."""
    if config.get("service") is not None:
        config["service"].setdefault("port", DEFAULT_PORT)


def validate_client_config(config: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a WebhookClientConfig that stands at ``path``."""
    url, service = config.get("url"), config.get("service")
    if (url is None) == (service is None):
        yield field_required(path, "exactly one of url or service is required")
    elif url is not None:
        yield from _validate_url(url, f"{path}.url")
    elif service is not None:
        yield from _validate_service(service, f"{path}.service")


def _validate_url(url: str, path: str) -> Iterator[FieldError]:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
    except ValueError as problem:
        yield field_required(path, f"url must be a valid URL: {problem}; {_FORM}")
        return
    user, at, host = parts.netloc.rpartition("@")
    if parts.scheme != "https":
        yield field_invalid(path, parts.scheme, f"'https' is the only allowed URL scheme; {_FORM}")
    if not host:
        yield field_invalid(path, host, f"host must be specified; {_FORM}")
    if at:
        yield field_invalid(path, user, "user information is not permitted in the URL")
    if parts.fragment:
        yield field_invalid(path, parts.fragment, "fragments are not permitted in the URL")
    if parts.query:
        yield field_invalid(path, parts.query, "query parameters are not permitted in the URL")


def _validate_service(service: Object, path: str) -> Iterator[FieldError]:
    for member in ("name", "namespace"):
        if not service.get(member):
            yield field_required(f"{path}.{member}")
    yield from validate_service_port(service.get("port", 0), f"{path}.port")
    if service.get("path"):
        yield from _validate_path(service["path"], f"{path}.path")


def validate_service_port(port: int, path: str) -> Iterator[FieldError]:
    """Yield an error for a number that is no port."""
    if not 1 <= port <= 65535:
        yield field_invalid(path, port, "port is not valid: must be between 1 and 65535, inclusive")


def _validate_path(text: str, path: str) -> Iterator[FieldError]:
    if text == "/":
        return
    if not text.startswith("/"):
        yield field_invalid(path, text, "must start with a '/'")
        return
    for index, segment in enumerate(text[1:].removesuffix("/").split("/")):
        if not segment:
            yield field_invalid(path, text, f"segment[{index}] may not be empty")
            continue
        for problem in dns1123_subdomain(segment):
            yield field_invalid(path, text, f"segment[{index}]: {problem}")
