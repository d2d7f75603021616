"""Rules of Service: what it gets allocated, and its status."""

from collections.abc import Sequence

from kapi.contracts.resources import Object, RequestContext, StatusStrategy
from kapi.meta.errors import FieldError, StatusError, field_invalid, invalid
from kapi.meta.gvk import GroupKind
from kapi.meta.names import name_is_label
from kapi_apigroups.common.addresses import IPNetwork
from kapi_apigroups.common.status_owner import StatusOwner
from kapi_apigroups.core.cluster_ips import AddressUnavailable, ClusterIPs
from kapi_apigroups.core.node_ports import NodePorts, ports_of
from kapi_apigroups.core.service_changes import (
    carry_allocations,
    drop_dependents,
    sync_cluster_ips,
    validate_changes,
)
from kapi_apigroups.core.service_defaults import default_service
from kapi_apigroups.core.service_families import FamilyRules, validate_cluster_ips
from kapi_apigroups.core.service_types import NONE, is_headless, needs_cluster_ip, needs_health_port, needs_node_ports
from kapi_apigroups.core.service_validation import validate_load_balancer_status, validate_service
from kapi_apigroups.core.service_warnings import service_warnings

_KIND = GroupKind("", "Service")
_NO_DOTS = "must not contain dots"


class ServiceStrategy(StatusOwner):
    """Services: addresses and node ports are allocated when a service is written."""

    rechecks_metadata = True
    allow_create_on_update = True
    returns_deleted = True
    empty_status = {"loadBalancer": {}}

    def __init__(self, ranges: Sequence[IPNetwork], node_ports: NodePorts) -> None:
        """Take the ranges of cluster IPs (at most one of each family) and the node ports to choose from."""
        self._families = FamilyRules(ranges)
        self._addresses = ClusterIPs(ranges)
        self._node_ports = node_ports

    def default(self, obj: Object) -> None:
        """Fill in the defaults of services."""
        default_service(obj)

    def validate_name(self, name: str, prefix: bool) -> list[str]:
        """Services are called like DNS labels."""
        return [_NO_DOTS] if "." in name else name_is_label(name, prefix)

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Settle the families; raises invalid when that cannot be done."""
        super().prepare_for_create(ctx, obj)
        sync_cluster_ips(obj["spec"], None)
        self._settle(obj)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Carry over what is allocated; raises invalid when families cannot be settled."""
        super().prepare_for_update(ctx, obj, old)
        spec, before = obj["spec"], old["spec"]
        sync_cluster_ips(spec, before)
        carry_allocations(spec, before)
        drop_dependents(spec, before)
        if spec.get("type") != "LoadBalancer":
            obj["status"] = {**obj.get("status", {}), "loadBalancer": {}}
        if spec.get("clusterIPs") == before.get("clusterIPs") and spec.get("ipFamilies") == before.get("ipFamilies"):
            self._check(obj, validate_cluster_ips(spec))
            if spec.get("ipFamilyPolicy") == before.get("ipFamilyPolicy") and needs_cluster_ip(before):
                return
        self._settle(obj)

    def _settle(self, obj: Object) -> None:
        self._check(obj, validate_cluster_ips(obj["spec"]))
        self._check(obj, self._families.settle(obj["spec"]))

    def _check(self, obj: Object, errors: list[FieldError]) -> None:
        if errors:
            raise invalid(_KIND, obj["metadata"].get("name", ""), errors)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the spec."""
        return validate_service(obj["spec"])

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the spec, and that what is fixed stays."""
        return validate_changes(obj["spec"], old["spec"]) + validate_service(obj["spec"])

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn of what has no effect."""
        return list(service_warnings(obj["spec"]))

    async def before_create(self, ctx: RequestContext, obj: Object) -> None:
        """Allocate addresses and node ports."""
        taken = await self._take_addresses(ctx, obj, ())
        try:
            await self._fill_ports(ctx, obj, None)
        except StatusError:
            await self._addresses.give_back(ctx.client, taken, obj)
            raise

    async def before_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Allocate what the service lacks now."""
        taken = await self._take_addresses(ctx, obj, old["spec"].get("clusterIPs", ()))
        try:
            await self._fill_ports(ctx, obj, old)
        except StatusError:
            await self._addresses.give_back(ctx.client, taken, obj)
            raise

    async def after_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Give back the addresses that the service has no more."""
        kept = obj["spec"].get("clusterIPs", ())
        gone = [address for address in old["spec"].get("clusterIPs", ()) if address not in kept and address != NONE]
        await self._addresses.give_back(ctx.client, gone, obj)

    async def after_update_failed(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Give back what was taken for a state that was not stored."""
        if not ctx.dry_run:
            before = old["spec"].get("clusterIPs", ())
            taken = [address for address in self._held(obj) if address not in before]
            await self._addresses.give_back(ctx.client, taken, obj)
        self._node_ports.forget(obj)

    async def after_create_failed(self, ctx: RequestContext, obj: Object) -> None:
        """Give back the addresses and ports of a service that was not stored."""
        if not ctx.dry_run:
            await self._addresses.give_back(ctx.client, self._held(obj), obj)
        self._node_ports.forget(obj)

    async def after_delete(self, ctx: RequestContext, obj: Object) -> None:
        """Give back the addresses of a service that is gone."""
        await self._addresses.give_back(ctx.client, self._held(obj), obj)
        self._node_ports.forget(obj)

    @staticmethod
    def _held(obj: Object) -> list[str]:
        return [address for address in obj["spec"].get("clusterIPs", ()) if address != NONE]

    async def _take_addresses(self, ctx: RequestContext, obj: Object, held: Sequence[str]) -> list[str]:
        """Allocate the cluster IPs that the service lacks; returns those that were taken."""
        spec = obj["spec"]
        if not needs_cluster_ip(spec) or is_headless(spec):
            return []
        taken: list[str] = []
        addresses = list(spec.get("clusterIPs", ()))
        try:
            for index, family in enumerate(spec["ipFamilies"]):
                if index < len(addresses):
                    if addresses[index] not in held:
                        await self._addresses.take(ctx.client, addresses[index], obj, dry_run=ctx.dry_run)
                        taken.append(addresses[index])
                    continue
                addresses.append(await self._addresses.take_any(ctx.client, family, obj, dry_run=ctx.dry_run))
                taken.append(addresses[index])
        except AddressUnavailable as error:
            await self._addresses.give_back(ctx.client, taken, obj)
            raise self._refused(obj, field_invalid("spec.clusterIPs", addresses, str(error))) from error
        spec["clusterIPs"], spec["clusterIP"] = addresses, addresses[0]
        return taken

    @staticmethod
    def _refused(obj: Object, *errors: FieldError) -> StatusError:
        return invalid(_KIND, obj["metadata"]["name"], errors)

    async def _fill_ports(self, ctx: RequestContext, obj: Object, old: Object | None) -> None:
        spec = obj["spec"]
        if not (needs_node_ports(spec) or needs_health_port(spec) or ports_of(spec)):
            return
        errors = await self._node_ports.fill(ctx.client, obj, old)
        if ctx.dry_run:
            self._node_ports.forget(obj)
        if errors:
            raise self._refused(obj, *errors)


class ServiceStatusStrategy(StatusStrategy):
    """``/status``: written by load balancer controllers."""

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep the spec; there is always a load balancer status."""
        super().prepare_for_update(ctx, obj, old)
        obj.setdefault("status", {}).setdefault("loadBalancer", {})
        default_service(obj)

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check the addresses of load balancers."""
        return list(validate_load_balancer_status(obj["status"], obj["spec"].get("type", "")))

    async def after_delete(self, ctx: RequestContext, obj: Object) -> None:
        """Ask the main resource's rules."""
        await self.main.after_delete(ctx, obj)
