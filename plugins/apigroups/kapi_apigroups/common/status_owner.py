"""Kinds whose status belongs to a controller: clients write it through ``/status`` only."""

import copy
from collections.abc import Mapping
from typing import Any

from kapi.contracts.resources import Object, RequestContext, StatusStrategy, Strategy


class StatusOwner(Strategy):
    """A kind with a status: new objects start with ``empty_status``, and writes of the main resource keep it."""

    owns_status = True
    empty_status: Mapping[str, Any] = {}

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Start with the empty status, whatever the client sent."""
        obj["status"] = copy.deepcopy(dict(self.empty_status))

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the stored status."""
        if "status" in old:
            obj["status"] = old["status"]
        else:
            obj.pop("status", None)


_RESET = ("labels", "annotations", "finalizers", "ownerReferences")


class PureStatusStrategy(StatusStrategy):
    """The ``status`` subresource of kinds where it changes nothing of the metadata either."""

    resets: tuple[str, ...] = ("metadata",)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep all but the status."""
        super().prepare_for_update(ctx, obj, old)
        metadata, stored = obj["metadata"], old["metadata"]
        for member in _RESET:
            metadata.pop(member, None)
            if member in stored:
                metadata[member] = copy.deepcopy(stored[member])
