"""What the printers of several kinds share: ages, labels, containers and shortened lists."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from kapi.contracts.resources import Object
from kapi.meta.times import age
from kapi_apigroups.common.selectors import format_label_selector, format_labels

NONE: Final = "<none>"
UNSET: Final = "<unset>"
UNKNOWN: Final = "<unknown>"
_EMPTY: Mapping[str, Any] = {}
_LONGEST_LIST: Final = 3
_ZERO_TIME: Final = "0001-01-01T00:00:00Z"


def part(obj: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    """Return a member that is an object; an empty one when it is missing."""
    return obj.get(member) or _EMPTY


def metadata(obj: Object) -> Mapping[str, Any]:
    """Return the metadata."""
    return part(obj, "metadata")


def name_of(obj: Object) -> str:
    """Return the name of an object."""
    name: str = metadata(obj).get("name", "")
    return name


def age_of(obj: Object) -> str:
    """Return how long ago an object was created."""
    return age(metadata(obj).get("creationTimestamp"))


def creation_time(obj: Object) -> str:
    """Return when an object was created."""
    time: str = metadata(obj).get("creationTimestamp") or _ZERO_TIME
    return time


def is_deleted(obj: Object) -> bool:
    """Tell whether the object is being deleted."""
    return "deletionTimestamp" in metadata(obj)


def labels_text(labels: Mapping[str, str] | None) -> str:
    """Return a map of labels as text."""
    return format_labels(labels) or NONE


def selector_text(selector: Object | None) -> str:
    """Return a LabelSelector as text."""
    return format_label_selector(selector) or NONE


def containers_and_images(template: Mapping[str, Any]) -> list[str]:
    """Return the names and the images of a pod template's containers."""
    containers = part(template, "spec").get("containers") or ()
    return [
        ",".join(container.get("name", "") for container in containers),
        ",".join(container.get("image", "") for container in containers),
    ]


def shortened(items: Sequence[str], most: int = _LONGEST_LIST, separator: str = ",") -> str:
    """Return the first items, and how many more there are."""
    text = separator.join(items[:most])
    return text if len(items) <= most else f"{text} + {len(items) - most} more..."


def condition_of(status: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """Return the condition of a kind; an empty one when it is missing."""
    conditions: Iterable[Mapping[str, Any]] = status.get("conditions") or ()
    return next((each for each in conditions if each.get("type") == kind), _EMPTY)


def has_condition(status: Mapping[str, Any], kind: str) -> bool:
    """Tell whether a condition holds."""
    return condition_of(status, kind).get("status") == "True"


def marked_default(obj: Object, *annotations: str) -> str:
    """Return the name of an object, marked if one of the annotations makes it the default of its kind."""
    found = metadata(obj).get("annotations") or _EMPTY
    is_default = any(found.get(annotation) == "true" for annotation in annotations)
    return f"{name_of(obj)} (default)" if is_default else name_of(obj)
