"""``services/proxy``: as far as it goes without a network to the pods."""

from kapi.contracts.resources import Object, RequestContext
from kapi.meta.errors import StatusError, go_quote, not_found, service_unavailable
from kapi_apigroups.core.connection_names import split_name
from kapi_apigroups.core.resources import ENDPOINTS, SERVICES


class ServiceProxyHandler:
    """``services/proxy``."""

    async def connect(self, ctx: RequestContext) -> Object | None:
        """Refuse: not_found without the service or its endpoints, otherwise service_unavailable."""
        _, name, port = split_name(ctx.name, "service")
        if port.isascii() and port.isdigit():
            service = await ctx.client.get(SERVICES, name, ctx.namespace)
            if all(one.get("port") != int(port[:6]) for one in service["spec"].get("ports", ())):
                raise service_unavailable(f"no service port {port} found for service {go_quote(name)}")
        await _check_endpoints(ctx, name)
        raise service_unavailable(f"no endpoints available for service {go_quote(name)}")


async def _check_endpoints(ctx: RequestContext, name: str) -> None:
    try:
        await ctx.client.get(ENDPOINTS, name, ctx.namespace)
    except StatusError as error:
        if error.reason == "NotFound":
            raise not_found(SERVICES.group_resource, name) from error
        raise
