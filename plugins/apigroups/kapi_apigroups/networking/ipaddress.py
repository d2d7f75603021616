"""Rules of IPAddress: a claim on one address; its name is the address."""

from collections.abc import Iterator

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_required
from kapi.meta.names import dns1123_subdomain, path_segment_name
from kapi_apigroups.common.addresses import canonical_ip
from kapi_apigroups.common.fields import IMMUTABLE, checked, named
from kapi_apigroups.common.golang import Shape, invalid_struct

_PARENT: Shape = {
    "Group": ("group", ""),
    "Resource": ("resource", ""),
    "Namespace": ("namespace", ""),
    "Name": ("name", ""),
}


class IPAddressStrategy(Strategy):
    """IPAddresses: who holds one never changes."""

    def validate_name(self, name: str, prefix: bool) -> list[str]:
        """Check that the name is an address in its canonical form."""
        return canonical_ip(name)

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the reference to the holder."""
        return list(_validate_parent(obj.get("spec", {}).get("parentRef")))

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Check that the holder stays."""
        errors = self.validate(ctx, obj)
        parent = obj.get("spec", {}).get("parentRef")
        if parent != old.get("spec", {}).get("parentRef"):
            errors.append(invalid_struct("spec.parentRef", parent, _PARENT, IMMUTABLE))
        return errors


def _validate_parent(parent: Object | None) -> Iterator[FieldError]:
    path = "spec.parentRef"
    if parent is None:
        yield field_required(path)
        return
    if parent.get("group"):
        yield from checked(parent["group"], f"{path}.group", dns1123_subdomain)
    yield from named(parent, "resource", path, path_segment_name)
    yield from named(parent, "name", path, path_segment_name)
    if parent.get("namespace"):
        yield from checked(parent["namespace"], f"{path}.namespace", path_segment_name)
