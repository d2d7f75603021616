"""ComponentStatus: deprecated and empty, because kapi has no components beside itself."""

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import not_found
from kapi.meta.gvk import GroupResource

_RESOURCE = GroupResource("", "componentstatuses")


class ComponentStatusHandler:
    """Serves ``get`` and ``list``."""

    async def get(self, ctx: RequestContext) -> Object:
        """Raise not_found."""
        raise not_found(_RESOURCE, ctx.name)

    async def list(self, ctx: RequestContext) -> Object:
        """Return an empty list."""
        return {"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": []}
