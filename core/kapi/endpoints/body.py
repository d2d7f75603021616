"""Request bodies: bounded reading, and decoding into objects with apiserver's errors."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from kapi.contracts.resources import Object
from kapi.contracts.server import Receive
from kapi.endpoints.answer import YAML
from kapi.endpoints.negotiation import PROTOBUF
from kapi.endpoints.protobuf import decode_body
from kapi.meta.errors import StatusError, bad_request, go_quote, too_large
from kapi.meta.gvk import GroupVersion, GroupVersionKind
from kapi.meta.protobuf import ProtobufError
from kapi.meta.schema.decode import Decoded, DecodeError, decode_json, decode_yaml
from kapi.meta.schema.parse import ParseError, parse_json, parse_yaml
from kapi.meta.schema.types import Struct
from kapi.registry.table import ResourceTable

MAX_BODY = 3 * 1024 * 1024
_SCHEME = '"pkg/api/legacyscheme/scheme.go:30"'
_SHOWN = 30

ReadBody = Callable[[int], Awaitable[bytes]]
"""Returns up to so many bytes of the body; fewer only at its end."""


class BodyReader:
    """Reads the body of an ASGI request."""

    __slots__ = ("_receive",)

    def __init__(self, receive: Receive) -> None:
        """Take the ASGI callable."""
        self._receive = receive

    async def read(self, size: int) -> bytes:
        """Return the body, or at least its first ``size`` bytes; raises the 400 StatusError if it ends early."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            return message.get("body", b"")  # type: ignore[no-any-return]  # bytes, says ASGI
        data = bytearray()
        while message["type"] == "http.request":
            data += message.get("body", b"")
            if not message.get("more_body") or len(data) >= size:
                return bytes(data)
            message = await self._receive()
        raise bad_request("unexpected EOF")


async def read_body(read: ReadBody, declared: str = "") -> bytes:
    """Return the whole body; raises the 413 StatusError for one that is too large, without reading it all.

    ``declared`` is the value of Content-Length, if there is one: a body that says it is too large is not waited for.
    """
    if declared.isdecimal() and len(declared) >= len(str(MAX_BODY)) and int(declared) > MAX_BODY:
        raise too_large(MAX_BODY)
    data = await read(MAX_BODY + 1)
    if len(data) > MAX_BODY:
        raise too_large(MAX_BODY)
    return data


class BodyDecoder:
    """Decodes bodies that should hold an object of one kind."""

    def __init__(
        self,
        kind: GroupVersionKind,
        struct: Struct,
        table: ResourceTable,
        *,
        accepts: tuple[str, ...] = (),
        custom: bool = False,
    ) -> None:
        """Take the kind that is expected, its type, and the table that knows which other kinds exist.

        ``accepts`` are further apiVersions in which the kind may come. Bodies of ``custom`` resources must name kind
        and version; that it is the right kind is checked with all else.
        """
        self._kind = kind
        self._accepts = accepts
        self._struct = struct
        self._table = table
        self._custom = custom

    def decode(self, data: bytes, media_type: str, validation: str, warnings: list[str]) -> Object:
        """Return the object in normal form.

        ``validation`` is the fieldValidation directive; what "Warn" (the default) finds is added to ``warnings``.
        Raises a 400 StatusError.
        """
        if media_type == PROTOBUF:
            data = self._from_protobuf(data)
        strict = validation != "Ignore"
        decode = decode_yaml if media_type == YAML else decode_json
        try:
            decoded = decode(data, self._struct, strict)
        except ParseError as error:
            detail = str(error)
            if not detail.startswith("yaml: "):
                detail = f"couldn't get version/kind; json parse error: {detail}"
            raise self._unrecognized(data, detail) from None
        except DecodeError as error:
            self._check_kind_of(data, media_type)
            raise self._unhandled(self._kind, str(error)) from None
        obj = decoded.object
        self._check_kind(obj, data)
        if strict:
            self.report(decoded, validation, warnings)
        return obj

    def _from_protobuf(self, data: bytes) -> bytes:
        """Return the JSON of a body in protobuf."""
        try:
            return orjson.dumps(decode_body(data, self._struct, self._table.groups))
        except ProtobufError as error:
            raise bad_request(
                f"the object provided is unrecognized (must be of type {self._kind.kind}): {error} ({shown(data)})"
            ) from None

    def report(self, decoded: Decoded, validation: str, warnings: list[str]) -> None:
        """Refuse or warn about what strict decoding found."""
        if not decoded.problems:
            return
        if validation == "Strict":
            raise self._unhandled(self._kind, "strict decoding error: " + ", ".join(decoded.problems))
        warnings.extend(decoded.problems)

    def _check_kind(self, obj: Object, data: bytes) -> None:
        """Accept the expected kind and version, or their absence; fill them in."""
        want = self._kind
        if self._custom:
            self._check_version(obj, data)
            return
        kind, api_version = obj.get("kind") or want.kind, obj.get("apiVersion") or want.api_version
        if api_version in self._accepts:
            api_version = want.api_version
        if kind != want.kind or api_version != want.api_version:
            raise self._mismatch(kind, api_version, data)
        obj["kind"], obj["apiVersion"] = kind, api_version

    def _check_version(self, obj: Object, data: bytes) -> None:
        """Demand a kind, and the version of the path."""
        if not obj.get("kind"):
            text = data.decode("utf-8", "replace")
            raise bad_request(
                f"the object provided is unrecognized (must be of type {self._kind.kind}): Object 'Kind' is missing in "
                f"'{text}' ({shown(data)})"
            )
        given = obj.get("apiVersion", "")
        if given != self._kind.api_version:
            raise bad_request(
                f"the API version in the data ({given}) does not match the expected API version "
                f"({self._kind.api_version})"
            )

    def _check_kind_of(self, data: bytes, media_type: str) -> None:
        """Raise what is wrong with the kind of a body that does not decode, if anything is."""
        raw = parse_yaml(data) if media_type == YAML else parse_json(data)
        problem = type_meta_problem(raw)
        if problem:
            raise self._unrecognized(data, problem)
        self._check_kind(dict(raw), data)

    def _mismatch(self, kind: str, api_version: str, data: bytes) -> StatusError:
        want = self._kind
        try:
            group_version = GroupVersion.parse(api_version)
        except ValueError as error:
            return bad_request(
                f"the object provided is unrecognized (must be of type {want.kind}): {error} ({shown(data)})"
            )
        given = group_version.with_kind(kind)
        if kind == want.kind and is_known(given, self._table):
            return bad_request(
                f"the API version in the data ({api_version}) does not match the expected API version "
                f"({want.api_version})"
            )
        return self._unhandled(given, conversion_problem(given, want, self._table))

    def _unhandled(self, given: GroupVersionKind, detail: str) -> StatusError:
        return bad_request(
            f"{given.kind} in version {go_quote(given.version)} cannot be handled as a {self._kind.kind}: {detail}"
        )

    def _unrecognized(self, data: bytes, detail: str) -> StatusError:
        return bad_request(
            f"the object provided is unrecognized (must be of type {self._kind.kind}): {detail} ({shown(data)})"
        )


def is_known(kind: GroupVersionKind, table: ResourceTable) -> bool:
    """Tell whether a kind, or a list of it, is one that the server knows."""
    kinds = table.kinds
    return kind in kinds or (kind.kind.endswith("List") and kind._replace(kind=kind.kind[:-4]) in kinds)


def conversion_problem(given: GroupVersionKind, want: GroupVersionKind, table: ResourceTable) -> str:
    """Return why an object of one kind cannot be read as another, in apimachinery's words."""
    if not is_known(given, table):
        version = go_quote(given.api_version)
        return f"no kind {go_quote(given.kind)} is registered for version {version} in scheme {_SCHEME}"
    package = want.group.partition(".")[0] or "core"
    return f"converting ({given.version}.{given.kind}) to ({package}.{want.kind}): unknown conversion"


def type_meta_problem(value: Any) -> str:
    """Return why kind and apiVersion cannot be read from a JSON value; "" when they can."""
    problem = ""
    if not isinstance(value, dict):
        problem = _type_meta_mismatch(value)
    else:
        wrong = [member for member in ("apiVersion", "kind") if not isinstance(value.get(member) or "", str)]
        problem = _member_mismatch(wrong[0], value[wrong[0]]) if wrong else ""
    return f"couldn't get version/kind; json parse error: {problem}" if problem else ""


def shown(data: bytes) -> str:
    """Return the beginning of a body as apiserver quotes it: text that looks like an object, anything else in hex."""
    if not data:
        return "<empty>"
    begin = data[:_SHOWN]
    text = begin.decode("utf-8", "replace") if data.startswith(b"{") else begin.hex()
    return text + " ..." if len(data) > _SHOWN else text


def _json_kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    names = ((str, "string"), (int, "number"), (float, "number"), (list, "array"))
    return next((name for kind, name in names if isinstance(value, kind)), "object")


def _type_meta_mismatch(value: Any) -> str:
    tags = 'APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\""'
    return f"json: cannot unmarshal {_json_kind(value)} into Go value of type struct {{ {tags} }}"


def _member_mismatch(member: str, value: Any) -> str:
    return f"json: cannot unmarshal {_json_kind(value)} into Go struct field .{member} of type string"
