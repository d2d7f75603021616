"""Which fields a resource can be selected by."""

from dataclasses import replace

import pytest

from kapi.contracts.resources import Resource
from kapi.endpoints.selection import Selection
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi.meta.listing import parse_list_options
from kapi.meta.schema.types import Struct

PLAIN = Resource(
    GroupVersionResource("g", "v1", "things"),
    GroupVersionKind("g", "v1", "Thing"),
    "thing",
    True,
    ("list",),
    lambda: Struct("Thing", "v1.Thing", dict),
)
SELECTABLE = replace(PLAIN, selectable_fields={"spec.color": lambda obj: ""})
CUSTOM = replace(PLAIN, custom=True)
CLUSTER_WIDE = replace(PLAIN, namespaced=False)
BARE = '"metadata.x" is not a known field selector: only "metadata.name", "metadata.namespace"'
UNSUPPORTED = "field label not supported: "


def refusal(resource: Resource, field: str) -> str:
    try:
        Selection(resource, "", parse_list_options({"fieldSelector": [f"{field}=a"]}, watch=False))
    except StatusError as error:
        return f"{error.reason}: {error.message}"
    return ""


@pytest.mark.parametrize(
    ("resource", "field", "message"),
    [
        (PLAIN, "metadata.name", ""),
        (PLAIN, "metadata.namespace", ""),
        (PLAIN, "metadata.x", BARE),
        (CLUSTER_WIDE, "metadata.namespace", ""),
        (CLUSTER_WIDE, "metadata.x", BARE),
        (SELECTABLE, "spec.color", ""),
        (SELECTABLE, "metadata.namespace", ""),
        (SELECTABLE, "metadata.x", UNSUPPORTED + "metadata.x"),
        (replace(SELECTABLE, namespaced=False), "metadata.name", ""),
        (replace(SELECTABLE, namespaced=False), "metadata.namespace", UNSUPPORTED + "metadata.namespace"),
        (CUSTOM, "metadata.namespace", ""),
        (CUSTOM, "spec.x", UNSUPPORTED + "spec.x"),
        (replace(CUSTOM, namespaced=False), "metadata.namespace", UNSUPPORTED + "metadata.namespace"),
    ],
)
def test_fields(resource: Resource, field: str, message: str) -> None:
    assert refusal(resource, field) == (message and f"BadRequest: {message}")
