"""Reaching nodes: ``nodes/proxy``, and what other subresources need of nodes."""

from kapi.contracts.client import ObjectClient
from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import StatusError, not_found, service_unavailable
from kapi.meta.gvk import GroupResource
from kapi_apigroups.core.connection_names import split_name
from kapi_apigroups.core.resources import NODES

_UNREACHABLE = "this server does not connect to nodes"


async def check_node(client: ObjectClient, name: str, missing: GroupResource | None = None) -> None:
    """Raise not_found for a node that does not exist (as a ``missing``), an error for one without addresses."""
    try:
        node = await client.get(NODES, name)
    except StatusError as error:
        if error.reason == "NotFound" and missing is not None:
            raise not_found(missing, name) from error
        raise
    if not node.get("status", {}).get("addresses"):
        raise StatusError(500, "", "no preferred addresses found; known addresses: []")


class NodeProxyHandler:
    """``nodes/proxy``."""

    async def connect(self, ctx: RequestContext) -> Object | None:
        """Refuse: kapi reaches no kubelets."""
        await check_node(ctx.client, split_name(ctx.name, "node").name)
        raise service_unavailable(_UNREACHABLE)
