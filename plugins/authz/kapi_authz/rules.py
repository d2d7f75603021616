"""What one RBAC rule allows: rules prepared so that a decision is a few set lookups."""

from collections.abc import Iterable, Mapping
from typing import Any

from kapi.contracts.authz import Attributes, NonResourceRule, ResourceRule


class Rule:
    """A PolicyRule of rbac.authorization.k8s.io/v1."""

    __slots__ = ("_groups", "_names", "_prefixes", "_resources", "_source", "_subresources", "_urls", "_verbs")

    def __init__(self, source: Mapping[str, Any]) -> None:
        """Take the rule as it is stored."""
        self._source = source
        self._verbs = _choice(source.get("verbs"))
        self._groups = _choice(source.get("apiGroups"))
        self._resources = _choice(source.get("resources"))
        self._subresources = frozenset(name[2:] for name in source.get("resources") or () if name[:2] == "*/")
        self._names = frozenset(source.get("resourceNames") or ())
        urls = source.get("nonResourceURLs") or ()
        self._urls = frozenset(urls)
        self._prefixes = tuple(url.rstrip("*") for url in urls if url.endswith("*"))

    def allows_resource(self, attributes: Attributes, resource: str) -> bool:
        """Tell whether the rule allows a request for ``resource`` (``pods``, ``pods/log``)."""
        return self.covers_resource(attributes, resource) and self.allows_name(attributes.name)

    def covers_resource(self, attributes: Attributes, resource: str) -> bool:
        """Tell whether the rule allows a request for ``resource``, whatever the name of the object."""
        return (
            (self._resources is None or resource in self._resources or self._covers_subresource(attributes))
            and (self._verbs is None or attributes.verb in self._verbs)
            and (self._groups is None or attributes.group in self._groups)
        )

    def allows_name(self, name: str) -> bool:
        """Tell whether the rule, if it allows a kind of requests, allows it for an object of this name."""
        return not self._names or name in self._names

    def allows_path(self, attributes: Attributes) -> bool:
        """Tell whether the rule allows a request that names no resource."""
        if self._verbs is not None and attributes.verb not in self._verbs:
            return False
        return attributes.path in self._urls or attributes.path.startswith(self._prefixes)

    def _covers_subresource(self, attributes: Attributes) -> bool:
        return bool(attributes.subresource) and attributes.subresource in self._subresources

    @property
    def resource_rule(self) -> ResourceRule | None:
        """The rule as access reviews list it; None when it is about paths."""
        source = self._source
        if not source.get("resources"):
            return None
        members = ("verbs", "apiGroups", "resources", "resourceNames")
        return ResourceRule(*(tuple(source.get(member) or ()) for member in members))

    @property
    def non_resource_rule(self) -> NonResourceRule | None:
        """The rule as access reviews list it; None when it is about resources."""
        urls = self._source.get("nonResourceURLs")
        return NonResourceRule(tuple(self._source.get("verbs") or ()), tuple(urls)) if urls else None


def _choice(values: Iterable[str] | None) -> frozenset[str] | None:
    """Return the allowed values; None when all are."""
    found = frozenset(values or ())
    return None if "*" in found else found
