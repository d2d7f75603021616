"""PUT and PATCH of subresources that are views: another kind that shows part of its parent, such as Scale.

The parent is what is stored. Its managedFields are shown and changed as those of the view
(:mod:`kapi.meta.apply.scale`), so that whoever scales owns the replicas.
"""

from collections.abc import Callable

from kapi.contracts.resources import Object, View
from kapi.endpoints.answer import Answer
from kapi.endpoints.negotiation import APPLY_PATCH, patch_media_type
from kapi.endpoints.request import ResourceRequest
from kapi.endpoints.verbs.patching import Applied, Patcher, parse_applied, parse_patch
from kapi.endpoints.verbs.writing import Replacement, check_namespace, decoded_body, match_name, match_namespace
from kapi.meta.apply.managed import apply, decode_applied, default_manager, track_update
from kapi.meta.apply.scale import entries_for_scale, entries_from_scale
from kapi.meta.errors import invalid, object_modified
from kapi.meta.options import WriteOptions, parse_patch_options, parse_update_options
from kapi.meta.schema.defaulting import apply_defaults
from kapi.meta.schema.types import Struct
from kapi.meta.times import now

REPLICAS = ("spec", "replicas")

Change = Callable[[Object], Object]
"""Makes the new object of a view, owners included, from its present one."""


class ViewWrite:
    """One write through a view."""

    def __init__(self, request: ResourceRequest, options: WriteOptions) -> None:
        """Take the request for a subresource that is a view."""
        self.request = request
        self.options = options
        self.view: View = request.view
        schema = request.located_subresource.schema
        assert schema is not None
        self.struct: Struct = schema()
        self.manager = options.field_manager or default_manager(request.header(b"user-agent"))
        self._version = request.resource.kind.api_version
        path = self.view.parent_path(REPLICAS)
        self._paths = {} if path is None else {self._version: tuple(f"f:{part}" for part in path)}

    def tracked(self, current: Object, new: Object) -> Object:
        """Return the new object with its owners; whoever changes something owns it."""
        kind = self.request.located_subresource.kind
        track_update(
            current,
            new,
            struct=self.struct,
            manager=self.manager,
            api_version=kind.api_version,
            subresource=self.request.located_subresource.name,
            now=now(),
            begin=True,
        )
        return new

    def applied(self, current: Object, applied: Applied) -> Object:
        """Return the present object with an applied configuration; raises StatusError for conflicts."""
        merged = apply(
            current,
            applied.config,
            struct=self.struct,
            manager=self.manager,
            force=bool(self.options.force),
            api_version=self.request.located_subresource.kind.api_version,
            subresource=self.request.located_subresource.name,
            now=now(),
        )
        obj = decode_applied(applied.config, merged, self.struct)
        applied.report(self.request, self.options.field_validation)
        return obj

    async def run(self, verb: str, change: Change) -> Answer:
        """Change the parent, and answer with the view of it."""
        request = self.request
        ctx = request.context(verb, self.options.to_object(), self.options.dry_run)
        stored = await request.stored.update(ctx, lambda live: self._change_parent(live, change))
        return request.answer(request.representation().encode(self.view.project(stored.object)))

    def _change_parent(self, live: Object, change: Change) -> Object:
        """Return the live parent changed to what the new view says; raises invalid and object_modified."""
        entries = live["metadata"].get("managedFields", [])
        current = self.view.project(live)
        shown = entries_for_scale(entries, self._paths)
        if shown:
            current["metadata"]["managedFields"] = shown
        new = change(current)
        self._check(live, new)
        self.view.apply(live, new)
        owners = new["metadata"].get("managedFields", [])
        kept = entries_from_scale(entries, owners, api_version=self._version, paths=self._paths) if self._paths else []
        live["metadata"].pop("managedFields", None)
        if kept:
            live["metadata"]["managedFields"] = kept
        return live

    def _check(self, live: Object, new: Object) -> None:
        request = self.request
        errors = self.view.validate(new)
        if errors:
            raise invalid(request.located_subresource.kind.group_kind, request.name, errors)
        version = new["metadata"].get("resourceVersion", "")
        if version and version != live["metadata"]["resourceVersion"]:
            raise object_modified(request.resource.group_resource, request.name)


async def update(request: ResourceRequest) -> Answer:
    """Replace the view's object."""
    write = ViewWrite(request, parse_update_options(request.query))
    obj = await decoded_body(request, write.struct, write.options)
    match_namespace(request, obj)
    match_name(request, obj)
    apply_defaults(write.struct, obj)
    new = Replacement(obj)
    return await write.run("update", lambda current: write.tracked(current, new()))


async def patch(request: ResourceRequest) -> Answer:
    """Patch the view's object."""
    media_type = patch_media_type(request.header(b"content-type"), custom=request.resource.custom)
    write = ViewWrite(request, parse_patch_options(request.query, apply=media_type == APPLY_PATCH))
    data = await request.body()
    if media_type == APPLY_PATCH:
        applied = parse_applied(request, data, request.located_subresource.kind)
        check_namespace(request, applied.config)
        match_name(request, applied.config)
        return await write.run("patch", lambda current: write.applied(current, applied))
    patcher = Patcher(
        request, parse_patch(media_type, data, write.options.field_validation), write.options, write.struct
    )
    return await write.run("patch", lambda current: write.tracked(current, patcher(current)))
