"""The flow schemas and priority levels that every cluster has, as data."""

import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
from kapi_apigroups.common.conditions import now_text

if TYPE_CHECKING:
    from kapi.contracts.client import ObjectClient
    from kapi.contracts.resources import Object

_GROUP, _VERSION = "flowcontrol.apiserver.k8s.io", "v1"
_SCHEMAS = GroupVersionResource(_GROUP, _VERSION, "flowschemas")
_LEVELS = GroupVersionResource(_GROUP, _VERSION, "prioritylevelconfigurations")
_SCHEMA_KIND = GroupVersionKind(_GROUP, _VERSION, "FlowSchema")
_LEVEL_KIND = GroupVersionKind(_GROUP, _VERSION, "PriorityLevelConfiguration")

_MANAGED = {"apf.kubernetes.io/autoupdate-spec": "true"}

MANDATORY = frozenset(("exempt", "catch-all"))
"""The objects of both kinds whose specs cannot be changed."""


@cache
def _specs() -> dict[str, dict[str, Any]]:
    """Return the specs by plural and name."""
    text = resources.files(__package__).joinpath("bootstrap.json").read_text("utf-8")
    specs: dict[str, dict[str, Any]] = json.loads(text)
    return specs


def mandatory_spec(resource: str, name: str) -> "Object | None":
    """Return the spec that a mandatory object must have, or None for all the others."""
    return _specs()[resource].get(name) if name in MANDATORY else None


def bootstrap(client: "ObjectClient") -> "Sequence[tuple[GroupVersionResource, Object]]":
    """Return the objects to create: levels first, then the schemas that refer to them."""
    specs = _specs()
    levels = [(_LEVELS, _object(_LEVEL_KIND, name, spec, {})) for name, spec in specs[_LEVELS.resource].items()]
    schemas = [
        (_SCHEMAS, _object(_SCHEMA_KIND, name, spec, _found(spec["priorityLevelConfiguration"]["name"])))
        for name, spec in specs[_SCHEMAS.resource].items()
    ]
    return [*levels, *schemas]


def _object(kind: GroupVersionKind, name: str, spec: "Object", status: "Object") -> "Object":
    return {
        "kind": kind.kind,
        "apiVersion": kind.api_version,
        "metadata": {"name": name, "annotations": dict(_MANAGED)},
        "spec": json.loads(json.dumps(spec)),
        "status": status,
    }


def _found(level: str) -> "Object":
    """Return the status of a flow schema whose priority level exists."""
    condition = {
        "type": "Dangling",
        "status": "False",
        "lastTransitionTime": now_text(),
        "reason": "Found",
        "message": f'This FlowSchema references the PriorityLevelConfiguration object named "{level}" and it exists',
    }
    return {"conditions": [condition]}
