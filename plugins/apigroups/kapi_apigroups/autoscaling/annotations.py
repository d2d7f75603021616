"""The annotations in which v1 carries what it has no fields for.

The values are those of the reference: metrics in v1's flat form, behavior as JSON of the internal type.
"""

import json
from typing import Any

from kapi.contracts.resources import Object
from kapi_apigroups.autoscaling import wellformed
from kapi_apigroups.autoscaling.wellformed import Reader
from kapi_apigroups.common.golang import Shape, go_value, show_go

METRICS = "autoscaling.alpha.kubernetes.io/metrics"
BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
CURRENT_METRICS = "autoscaling.alpha.kubernetes.io/current-metrics"
CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"

OF_SPEC = (METRICS, BEHAVIOR)
OF_STATUS = (CURRENT_METRICS, CONDITIONS)
ALL = OF_SPEC + OF_STATUS

_POLICY: Shape = {"Type": ("type", ""), "Value": ("value", 0), "PeriodSeconds": ("periodSeconds", 0)}
_RULES: Shape = {
    "StabilizationWindowSeconds": "stabilizationWindowSeconds",
    "SelectPolicy": "selectPolicy",
    "Policies": ("policies", None, _POLICY),
    "Tolerance": "tolerance",
}
_BEHAVIOR: Shape = {"ScaleUp": ("scaleUp", None, _RULES), "ScaleDown": ("scaleDown", None, _RULES)}
_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def encode(value: Any) -> str:
    """Return JSON as Go's encoder writes it."""
    return show_go(value).translate(_HTML)


def decode_list(text: str, read: Reader) -> list[Object]:
    """Return the objects of a JSON list as ``read`` returns them; none when the text is malformed."""
    found = _decode(text, read)
    return found if isinstance(found, list) else []


def _decode(text: str, read: Reader) -> Any:
    if not text:
        return None
    try:
        return read(json.loads(text))
    except (ValueError, RecursionError):
        return None


def encode_behavior(behavior: Object) -> str:
    """Return the annotation for ``spec.behavior`` of v2."""
    return encode(go_value(behavior, _BEHAVIOR))


def decode_behavior(text: str) -> Object | None:
    """Return ``spec.behavior`` of v2 from its annotation; None when the text holds nothing usable."""
    value = _decode(text, wellformed.BEHAVIOR)
    return _from_go(value, _BEHAVIOR) if value else None


def _from_go(value: Any, shape: Shape) -> Any:
    """Return the API's form of a value in the internal type's."""
    if isinstance(value, list):
        return [_from_go(item, shape) for item in value]
    found: Object = {}
    for name, source in shape.items():
        member, _, inner = (*source, None)[:3] if isinstance(source, tuple) else (source, None, None)
        if name in value:
            found[member] = value[name] if inner is None else _from_go(value[name], inner)
    return found


def take(obj: Object, names: tuple[str, ...]) -> dict[str, str]:
    """Remove the named annotations of an object and return those that were there."""
    annotations = obj["metadata"].get("annotations")
    if not annotations:
        return {}
    taken = {name: annotations[name] for name in names if name in annotations}
    if taken:
        put(obj, {name: text for name, text in annotations.items() if name not in taken}, replace=True)
    return taken


def put(obj: Object, annotations: dict[str, str], *, replace: bool = False) -> None:
    """Add annotations to an object, or replace all of them; an object without annotations has no such member."""
    metadata = obj["metadata"]
    wanted = annotations if replace else {**metadata.get("annotations", {}), **annotations}
    if wanted:
        metadata["annotations"] = wanted
    else:
        metadata.pop("annotations", None)
