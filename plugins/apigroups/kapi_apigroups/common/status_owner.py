"""Kinds whose status belongs to a controller: clients write it through ``/status`` only."""

import copy
from collections.abc import Mapping
from typing import Any

from kapi.contracts.resources import Object, RequestContext, Strategy


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
