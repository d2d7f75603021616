"""PATCH: JSON patch, merge patch, strategic merge patch, and server-side apply."""

from typing import Any, NamedTuple

import orjson

from kapi.contracts.resources import Object, Strategy
from kapi.endpoints.answer import Answer
from kapi.endpoints.body import conversion_problem, type_meta_problem
from kapi.endpoints.negotiation import (
    APPLY_PATCH,
    JSON_PATCH,
    MERGE_PATCH,
    patch_media_type,
)
from kapi.endpoints.request import ResourceRequest
from kapi.endpoints.tracking import Tracker
from kapi.endpoints.verbs.writing import check_namespace, match_name, match_namespace, settle, write_answer
from kapi.meta.apply.managed import apply, check_object_type, decode_applied
from kapi.meta.errors import StatusError, bad_request, conflict
from kapi.meta.gvk import GroupVersion, GroupVersionKind
from kapi.meta.options import WriteOptions, parse_patch_options
from kapi.meta.patch.gotext import go_value, json_kind
from kapi.meta.patch.json_patch import apply_operations, check_loose_operations, check_operations, unknown_members
from kapi.meta.patch.merge_patch import apply_merge_patch, parse_loose_merge_patch
from kapi.meta.patch.outcome import in_patched_order, may_hold_floats, unusable_result, with_whole_numbers
from kapi.meta.patch.strategic import apply_strategic_merge_patch
from kapi.meta.schema.decode import DecodeError, decode_but_owners, decode_value
from kapi.meta.schema.parse import Document, ParseError, parse_document
from kapi.meta.schema.restore import restore_problem
from kapi.meta.schema.types import Struct
from kapi.meta.schema.unstructured import duplicate_problems
from kapi.meta.times import now


class Patch(NamedTuple):
    """A patch, parsed once for all attempts.

    ``problems`` are what strict validation finds in the patch itself (repeated or unknown members).
    """

    media_type: str
    value: Any
    problems: list[str]


def parse_patch(media_type: str, data: bytes, validation: str) -> Patch:
    """Return the parsed patch; raises a 400 StatusError.

    Where ``validation`` is to Ignore, only the library that carries the patch out looks at it, in words of its own.
    """
    plain, strict = media_type in (JSON_PATCH, MERGE_PATCH), validation != "Ignore"
    if media_type == MERGE_PATCH and not strict:
        value, tree = parse_loose_merge_patch(data), parse_document(data).tree
    else:
        value, tree = _parsed(data, "error decoding patch: " if plain and strict else "")
    if media_type == JSON_PATCH:
        value = check_operations(value) if strict else check_loose_operations(value)
    if not plain and may_hold_floats(data):
        value = with_whole_numbers(value)
    problems = duplicate_problems(tree)
    if media_type == JSON_PATCH:
        problems = [f"json patch {problem}" for problem in problems] + unknown_members(value)
    return Patch(media_type, value, problems)


def _parsed(data: bytes, prefix: str) -> Document:
    try:
        return parse_document(data)
    except ParseError as error:
        raise bad_request(f"{prefix}{error}") from None


class Patcher:
    """Makes the new object of a patch from the live one."""

    def __init__(self, request: ResourceRequest, patch: Patch, options: WriteOptions, struct: Struct) -> None:
        """Take the patch and the type of what it patches."""
        self._request = request
        self._patch = patch
        self._validation = options.field_validation
        self._struct = struct
        self._warned = False

    def __call__(self, live: Object) -> Object:
        """Return the patched object, decoded; raises StatusError."""
        patch = self._patch
        if patch.media_type == JSON_PATCH:
            patched = apply_operations(live, patch.value)
        elif patch.media_type == MERGE_PATCH:
            whole = self._validation == "Ignore" and isinstance(patch.value, list)
            patched = patch.value if whole else apply_merge_patch(live, patch.value)
        else:
            patched = apply_strategic_merge_patch(live, patch.value, self._struct)
            patched.update(kind=live["kind"], apiVersion=live["apiVersion"])
        if self._struct.rules is None:
            patched = self._of_kind(patched, live)
        elif problem := type_meta_problem(patched) or _missing_member(patched):
            raise self._unusable(patched, problem)
        return self._decoded(patched, live["metadata"].get("managedFields"))

    def _of_kind(self, patched: Any, live: Object) -> Object:
        """Return the result of the patch with its kind, if that is the kind of the live object."""
        problem = type_meta_problem(patched)
        if problem:
            raise self._unusable(patched, problem)
        if not patched.get("apiVersion"):
            # kube-apiserver reads it as its internal version then, in which members have other names.
            return {"kind": live["kind"], "apiVersion": live["apiVersion"]}
        obj: Object = patched if patched.get("kind") else {**patched, "kind": live["kind"]}
        if (obj["apiVersion"], obj["kind"]) == (live["apiVersion"], live["kind"]):
            return obj
        raise self._unusable(patched, self._kind_problem(obj["apiVersion"], obj["kind"]))

    def _kind_problem(self, api_version: str, kind: str) -> str:
        request = self._request
        want = request.subresource.kind if request.subresource is not None else request.resource.kind
        try:
            given = GroupVersion.parse(api_version).with_kind(kind)
        except ValueError as error:
            return str(error)
        return conversion_problem(given, want, request.table)

    def _decoded(self, patched: Object, owners: Any) -> Object:
        metadata = patched.get("metadata")
        untouched = isinstance(metadata, dict) and metadata.get("managedFields") == owners
        decode = decode_but_owners if untouched else decode_value
        try:
            decoded = decode(patched, self._struct)
        except DecodeError as error:
            restored = restore_problem(patched, self._struct) if self._strategic else ""
            raise self._unusable(patched, restored or str(error)) from None
        problems = self._patch.problems + decoded.problems
        if problems and self._validation == "Strict":
            raise self._unusable(patched, "strict decoding error: " + ", ".join(problems))
        if problems and self._validation != "Ignore" and not self._warned:
            self._request.state.warnings.extend(problems)
            self._warned = True
        return decoded.object

    def _unusable(self, patched: Any, detail: str) -> StatusError:
        value = self._patch.value
        shown = go_value(value) if self._strategic else orjson.dumps(in_patched_order(patched, value)).decode()
        return unusable_result(shown, detail)

    @property
    def _strategic(self) -> bool:
        return self._patch.media_type not in (JSON_PATCH, MERGE_PATCH)


def _missing_member(patched: Object) -> str:
    """Return what is missing of the kind of a custom resource; that it is the right one is checked with all else."""
    for member in ("kind", "apiVersion"):
        if not patched.get(member):
            return f"Object '{member[0].upper()}{member[1:]}' is missing in '{orjson.dumps(patched).decode()}'"
    return ""


async def patch(request: ResourceRequest) -> Answer:
    """Patch an object, through its main resource or a subresource of the same kind."""
    media_type = patch_media_type(request.header(b"content-type"), custom=request.resource.custom)
    options = parse_patch_options(request.query, apply=media_type == APPLY_PATCH)
    strategy, struct = request.strategy, request.resource.schema()
    track = Tracker(request, options.field_manager, struct)
    ctx = request.context("patch", options.to_object(), options.dry_run)
    if media_type == APPLY_PATCH:
        applier = Applier(request, parse_applied(request, await request.body()), options, track)
        stored = await request.stored.update(
            ctx,
            applier,
            strategy=strategy,
            create=applier.create,
            create_always=request.subresource is None,
            pure=True,
        )
        return write_answer(request, stored)
    patcher = Patcher(request, parse_patch(media_type, await request.body(), options.field_validation), options, struct)

    def transform(live: Object) -> Object:
        return _settled(request, struct, strategy, patcher(live))

    stored = await request.stored.update(ctx, transform, track, strategy=strategy, pure=True)
    return write_answer(request, stored)


def _settled(request: ResourceRequest, struct: Struct, strategy: Strategy, obj: Object) -> Object:
    match_namespace(request, obj)
    match_name(request, obj)
    return settle(struct, strategy, obj)


class Applied(NamedTuple):
    """The object of an apply request, and the message about keys that it repeats."""

    config: Object
    repeated: str

    def report(self, request: ResourceRequest, validation: str) -> None:
        """Refuse (400) or warn about repeated keys; once what is applied fits, as kube-apiserver does."""
        if not self.repeated or validation == "Ignore":
            return
        if validation == "Strict":
            raise bad_request(f"error strict decoding YAML: error converting YAML to JSON: {self.repeated}")
        request.state.warnings.extend(line.strip() for line in self.repeated.splitlines()[1:])


def parse_applied(request: ResourceRequest, data: bytes, kind: GroupVersionKind | None = None) -> Applied:
    """Return what an apply request brings; raises a 400 StatusError for what is no object of the expected kind."""
    try:
        obj, repeated = _read_applied(data)
    except ParseError as error:
        raise bad_request(f"error decoding YAML: error converting YAML to JSON: {error}") from None
    if obj is None:
        obj = {}
    if not isinstance(obj, dict):
        problem = f"json: cannot unmarshal {json_kind(obj)} into Go value of type map[string]interface {{}}"
        raise bad_request(f"error decoding YAML: error unmarshaling JSON: while decoding JSON: {problem}")
    check_object_type(obj, kind or request.resource.kind)
    return Applied(with_whole_numbers(obj) if may_hold_floats(data) else obj, repeated)


def _read_applied(data: bytes) -> tuple[Any, str]:
    """Return the value in a YAML text, and the message about repeated keys.

    Clients mostly send JSON, which is YAML too: it is parsed as what it is, a good deal faster.
    """
    if data.startswith(b"{"):
        try:
            document = parse_document(data)
        except ParseError:
            document = None
        if document is not None and document.tree is None:
            return document.value, ""
    if not data:
        return None, ""
    from kapi.meta.schema.yaml import read_yaml

    return read_yaml(data)


class Applier:
    """Makes the new object of a server-side apply (KEP-555) from the live one."""

    def __init__(self, request: ResourceRequest, applied: Applied, options: WriteOptions, track: Tracker) -> None:
        """Take what is applied; raises a 400 StatusError if it is of another name or namespace."""
        config = applied.config
        self._request = request
        self._applied = applied
        self._config = config
        self._validation = options.field_validation
        self._force = bool(options.force)
        self._track = track
        if not isinstance(config.get("metadata"), dict):
            config["metadata"] = {}
        check_namespace(request, config)
        match_name(request, config)

    def __call__(self, live: Object) -> Object:
        """Return the live object with the applied fields; raises StatusError for conflicts."""
        return self._apply(live)

    def create(self) -> Object:
        """Return the object to create when there is none; raises a 409 StatusError if a certain one is meant."""
        obj = self._apply(None)
        uid = obj["metadata"].get("uid", "")
        if uid:
            detail = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise conflict(self._request.resource.group_resource, self._request.name, detail)
        return obj

    def _apply(self, live: Object | None) -> Object:
        track, request = self._track, self._request
        merged = apply(
            live,
            self._config,
            struct=track.struct,
            manager=track.manager,
            force=self._force,
            api_version=track.api_version,
            subresource=track.subresource,
            now=now(),
            ignored=track.ignored,
            convert=track.convert,
        )
        obj = decode_applied(self._config, merged, track.struct)
        self._applied.report(request, self._validation)
        match_namespace(request, obj)
        return settle(track.struct, request.strategy, obj)
