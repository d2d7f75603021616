"""Which objects of a resource a list or watch is about."""

from collections.abc import Callable, Sequence

from kapi.contracts.resources import Resource
from kapi.meta.errors import bad_request, go_quote
from kapi.meta.fields import Requirement
from kapi.meta.listing import ListOptions
from kapi.storage.entry import Entry
from kapi.storage.indexes import Term

_EQUAL = ("Equals", "DoubleEquals")
METADATA_FIELDS = ("metadata.name", "metadata.namespace")


class Selection:
    """The namespace and selectors of a list or watch.

    ``namespace`` "" means all; ``matches`` is None when everything in the namespace matches; ``key`` is that of the
    only object that can match (``metadata.name=…``), "" if there may be several; ``terms`` are equalities that all
    matching objects meet, for an index. Raises a 400 StatusError for fields that the resource cannot be selected by.
    """

    def __init__(self, resource: Resource, namespace: str, options: ListOptions) -> None:
        """Take the parts of the request."""
        _check_fields(resource, options)
        self.namespace = namespace
        self.key = self._only_key(resource, options)
        self.matches: Callable[[Entry], bool] | None = _predicate(options)
        self.terms = _terms(options) if self.matches is not None else ()

    def _only_key(self, resource: Resource, options: ListOptions) -> str:
        name = options.field_selector.exact("metadata.name") if not options.field_selector.empty else None
        if not name or (resource.namespaced and not self.namespace):
            return ""
        return f"{self.namespace}/{name}" if resource.namespaced else name

    @property
    def within(self) -> str:
        """The part of the keys that matching objects share, below the prefix of the resource: see WatchCache.watch."""
        return self.key or (f"{self.namespace}/" if self.namespace else "")

    def includes(self, entry: Entry) -> bool:
        """Tell whether an entry of any namespace is meant."""
        if self.namespace and entry.namespace != self.namespace:
            return False
        return self.matches is None or self.matches(entry)


def _terms(options: ListOptions) -> tuple[Term, ...]:
    labels, fields = options.label_selector.requirements, options.field_selector.requirements
    return (
        *(Term(True, each.key, each.values[0]) for each in labels if each.operator in _EQUAL),
        *(Term(False, each.field, each.value) for each in fields if each.equal),
    )


def _predicate(options: ListOptions) -> Callable[[Entry], bool] | None:
    labels = None if options.label_selector.empty else options.label_selector.matches
    fields = None if options.field_selector.empty else _fields_match(options.field_selector.requirements)
    if labels is None:
        return fields
    if fields is None:
        return lambda entry: labels(entry.labels)
    return lambda entry: labels(entry.labels) and fields(entry)


def _fields_match(requirements: Sequence[Requirement]) -> Callable[[Entry], bool]:
    """Return a test of entries: like FieldSelector.matches, but without collecting the values of all fields."""
    if len(requirements) == 1:
        field, value, equal = requirements[0]
        return lambda entry: (entry.field(field) == value) is equal
    return lambda entry: all((entry.field(field) == value) is equal for field, value, equal in requirements)


def _check_fields(resource: Resource, options: ListOptions) -> None:
    for requirement in options.field_selector.requirements:
        field = requirement.field
        if field not in resource.selectable_fields and field not in _metadata_fields(resource):
            raise bad_request(_unknown_field(resource, field))


def _metadata_fields(resource: Resource) -> tuple[str, ...]:
    """Return the fields of metadata that a resource can be selected by.

    kube-apiserver gives kinds without rules of their own both, whether they have namespaces or not.
    """
    both = resource.namespaced or not _has_own_rules(resource)
    return METADATA_FIELDS if both else METADATA_FIELDS[:1]


def _has_own_rules(resource: Resource) -> bool:
    return resource.custom or bool(resource.selectable_fields)


def _unknown_field(resource: Resource, field: str) -> str:
    if _has_own_rules(resource):
        return f"field label not supported: {field}"
    names = ", ".join(go_quote(name) for name in METADATA_FIELDS)
    return f"{go_quote(field)} is not a known field selector: only {names}"
