"""Which writes an admission controller is about."""

from kapi.contracts.admission import AdmissionAttributes
from kapi.contracts.client import Object
from kapi.meta.gvk import GroupResource

PODS = GroupResource("", "pods")
CLAIMS = GroupResource("", "persistentvolumeclaims")


def written(attributes: AdmissionAttributes, resource: GroupResource) -> Object | None:
    """Return the object of a write to the main resource ``resource``; None for any other write."""
    if attributes.subresource or attributes.resource.group_resource != resource:
        return None
    return attributes.object


def spec_of(obj: Object) -> Object:
    """Return the spec of an object, made if it is missing: controllers see objects before they are validated."""
    spec: Object = obj.setdefault("spec", {})
    return spec
