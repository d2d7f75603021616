"""What a request asks for, read from its first line alone.

The rules are those of kube-apiserver's RequestInfoFactory. Authorization, audit, fairness and the endpoints all look
at the same :class:`RequestInfo`, so that none of them can be told something else than the others.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from kapi.meta.errors import StatusError, go_quote
from kapi.meta.listing import decode_list_options
from kapi.meta.names import path_segment_name
from kapi.meta.query import Query, boolean, first, parse_query, unescape

_VERBS: Final = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_NAMESPACE_SUBRESOURCES: Final = ("status", "finalize")
_COLLECTION_VERBS: Final = ("list", "watch", "deletecollection")
_NO_QUERY: Final[Query] = {}
_REMEMBERED_LENGTH: Final = 512


class RequestLineError(ValueError):
    """The request line cannot be understood; answered in plain text with ``status`` before anything else happens."""

    def __init__(self, status: int, text: str) -> None:
        """Take the HTTP status and the text to answer."""
        super().__init__(text)
        self.status = status
        self.text = text


class RequestInfo(NamedTuple):
    """The parts of a request line.

    - ``path`` is decoded, exactly as sent otherwise;
    - ``verb`` is a Kubernetes verb for resource requests ("" when the method maps to none), else the method in lower
      case;
    - ``parts`` is the path from the resource on: ``(resource, name, subresource, …)``; a path that names a resource has
      at most three, but for the proxy subresources;
    - ``field_selector`` and ``label_selector`` are raw, and only set for verbs on collections;
    - ``query`` holds all parameters.
    """

    is_resource_request: bool
    path: str
    verb: str
    api_prefix: str = ""
    group: str = ""
    version: str = ""
    namespace: str = ""
    resource: str = ""
    subresource: str = ""
    name: str = ""
    parts: tuple[str, ...] = ()
    field_selector: str = ""
    label_selector: str = ""
    query: Query = _NO_QUERY


def parse_request_info(method: str, raw_path: bytes | str, query: bytes | str = b"") -> RequestInfo:
    """Return what a request asks for; ``raw_path`` is the path as sent, still escaped.

    What clients ask for again and again is remembered. Raises RequestLineError for a path that is malformed.
    """
    if len(raw_path) + len(query) > _REMEMBERED_LENGTH:
        return _parse(method, raw_path, query)
    return _remembered(method, raw_path, query)


def _parse(method: str, raw_path: bytes | str, query: bytes | str) -> RequestInfo:
    path = _decode(raw_path)
    params = parse_query(query) if query else _NO_QUERY
    parts = path.strip("/").split("/")
    prefix = parts[0]
    if prefix == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif prefix == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        api_prefix = prefix if prefix in ("api", "apis") and len(parts) > 2 else ""
        return RequestInfo(False, path, method.lower(), api_prefix, query=params)
    verb = _VERBS.get(method, "")
    if rest[0] in ("watch", "proxy"):
        verb = rest.pop(0)
        if not rest:
            raise _incomplete(path)
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 1:
        namespace = rest[1]
        if len(rest) > 2 and rest[2] not in _NAMESPACE_SUBRESOURCES:
            del rest[:2]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 and verb != "proxy" else ""
    info = RequestInfo(
        True,
        path,
        verb,
        prefix,
        group,
        version,
        namespace,
        rest[0],
        subresource,
        name,
        tuple(rest),
        "",
        "",
        params,
    )
    return info if name else _of_collection(info)


_remembered = lru_cache(maxsize=4096)(_parse)


def _decode(raw_path: bytes | str) -> str:
    text = raw_path if isinstance(raw_path, str) else raw_path.decode("latin-1")
    if "%" in text or not text.isascii():
        try:
            text = unescape(text)
        except ValueError:
            raise RequestLineError(400, "400 Bad Request") from None
    if "\0" in text:
        raise RequestLineError(400, "400 Bad Request")
    return text


def _incomplete(path: str) -> RequestLineError:
    problem = f"failed to create RequestInfo: unable to determine kind and namespace from url, {path}"
    return RequestLineError(500, f"Internal Server Error: {go_quote(path)}: {problem}\n")


def _of_collection(info: RequestInfo) -> RequestInfo:
    """Settle the verb and selectors of a request that names no object."""
    verb, name = info.verb, ""
    if verb == "get":
        verb, name = _list_or_watch(info.query)
    elif verb == "delete":
        verb = "deletecollection"
    if verb == info.verb:
        return _with_selectors(info)
    return _with_selectors(info._replace(verb=verb, name=name))


def _with_selectors(info: RequestInfo) -> RequestInfo:
    if not info.query or info.verb not in _COLLECTION_VERBS:
        return info
    fields, labels = first(info.query, "fieldSelector"), first(info.query, "labelSelector")
    if not fields and not labels:
        return info
    return info._replace(field_selector=fields, label_selector=labels)


def _list_or_watch(query: Query) -> tuple[str, str]:
    """Return the verb, and the name if the field selector demands one (parameters that do not parse are ignored)."""
    if not query:
        return "list", ""
    try:
        options = decode_list_options(query)
    except StatusError:
        return ("watch" if boolean(query, "watch") else "list"), ""
    name = options.field_selector.exact("metadata.name") or ""
    if path_segment_name(name):
        name = ""
    return ("watch" if options.watch else "list"), name
