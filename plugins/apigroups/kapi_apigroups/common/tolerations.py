"""Tolerations of pods and of runtime classes."""

from collections.abc import Iterable, Iterator

from kapi.contracts.resources import Object
from kapi.meta.errors import FieldError, field_invalid
from kapi.meta.names import label_value, qualified_name
from kapi_apigroups.common.fields import checked, one_of
from kapi_apigroups.common.golang import Shape, go_value, show_go

TOLERATION: Shape = {
    "Key": ("key", ""),
    "Operator": ("operator", ""),
    "Value": ("value", ""),
    "Effect": ("effect", ""),
    "TolerationSeconds": "tolerationSeconds",
}
"""How messages show a toleration."""

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_KEYLESS = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'


def validate_tolerations(tolerations: Iterable[Object], path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a list of tolerations that stands at ``path``."""
    for index, toleration in enumerate(tolerations):
        yield from _validate(toleration, f"{path}[{index}]")


def validate_distinct_tolerations(tolerations: Iterable[Object], path: str) -> Iterator[FieldError]:
    """Yield what is wrong with a list of tolerations in which none may occur twice."""
    listed = list(tolerations)
    yield from validate_tolerations(listed, path)
    for index, toleration in enumerate(listed):
        if toleration in listed[:index]:
            shown = show_go(go_value(toleration, TOLERATION))
            yield FieldError("FieldValueDuplicate", f"{path}[{index}]", f"Duplicate value: {shown}")


def _validate(toleration: Object, path: str) -> Iterator[FieldError]:
    key, operator, value = toleration.get("key", ""), toleration.get("operator", ""), toleration.get("value", "")
    if key:
        yield from checked(key, f"{path}.key", qualified_name)
    elif operator != "Exists":
        yield field_invalid(f"{path}.operator", operator, _KEYLESS)
    if "tolerationSeconds" in toleration and toleration.get("effect") != "NoExecute":
        detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        yield field_invalid(f"{path}.effect", toleration.get("effect", ""), detail)
    if operator in ("", "Equal"):
        yield from checked(value, f"{path}.operator", label_value)
    elif operator == "Exists":
        if value:
            yield field_invalid(f"{path}.operator", value, "value must be empty when `operator` is 'Exists'")
    else:
        yield from one_of(operator, f"{path}.operator", ("Equal", "Exists"))
    if toleration.get("effect"):
        yield from one_of(toleration["effect"], f"{path}.effect", _EFFECTS)
