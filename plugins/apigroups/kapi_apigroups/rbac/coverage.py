"""Does one set of RBAC rules include another? The arithmetic behind the guard against escalation."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kapi.contracts.authz import NonResourceRule, ResourceRule
from kapi.meta.errors import go_quote

MAX_PARTS = 10_000
"""Rules that together fall into more single permissions than this are judged, and shown, as a whole."""


class Grant(NamedTuple):
    """A rule, or a part of one, of any kind."""

    verbs: tuple[str, ...]
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: Mapping[str, Any]) -> "Grant":
        """Return the grant of a PolicyRule object."""
        members = ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs")
        return cls(*(tuple(rule.get(member) or ()) for member in members))

    def __str__(self) -> str:
        """Return the rule as kube-apiserver prints it."""
        members = {
            "APIGroups": self.groups,
            "Resources": self.resources,
            "NonResourceURLs": self.urls,
            "ResourceNames": self.names,
            "Verbs": self.verbs,
        }
        return "{" + ", ".join(f"{name}:{quoted(values)}" for name, values in members.items() if values) + "}"

    def as_rule(self) -> dict[str, Any]:
        """Return the PolicyRule object."""
        members = {
            "verbs": self.verbs,
            "apiGroups": self.groups,
            "resources": self.resources,
            "resourceNames": self.names,
            "nonResourceURLs": self.urls,
        }
        return {name: list(values) for name, values in members.items() if values or name == "verbs"}

    def covers(self, other: "Grant") -> bool:
        """Tell whether this rule alone allows all that ``other`` does."""
        return (
            _covers(self.verbs, other.verbs)
            and _covers(self.groups, other.groups)
            and _covers_resources(self.resources, other.resources)
            and _covers_urls(self.urls, other.urls)
            and (not self.names or bool(other.names) and set(other.names) <= set(self.names))
        )

    def overlaps(self, other: "Grant") -> bool:
        """Tell whether this rule may allow some of what ``other`` does."""
        return _meet(self.verbs, other.verbs) and (_meet(self.groups, other.groups) or bool(self.urls and other.urls))


def held(resource_rules: Iterable[ResourceRule], other_rules: Iterable[NonResourceRule]) -> list[Grant]:
    """Return what a user holds, from what a rule resolver lists."""
    grants = [Grant(*rule) for rule in resource_rules]
    return grants + [Grant(rule.verbs, urls=rule.non_resource_urls) for rule in other_rules]


def missing(holder: Sequence[Grant], wanted: Iterable[Grant]) -> list[Grant]:
    """Return the single permissions of ``wanted`` that ``holder`` does not include."""
    found: list[Grant] = []
    budget = MAX_PARTS
    for grant in wanted:
        if any(mine.covers(grant) for mine in holder):
            continue
        budget -= _size(grant)
        if budget < 0:
            found.append(grant)
            continue
        near = [mine for mine in holder if mine.overlaps(grant)]
        found += [part for part in parts(grant) if not any(mine.covers(part) for mine in near)]
    return found


def parts(grant: Grant) -> Iterator[Grant]:
    """Yield the single permissions that a rule consists of."""
    for group in grant.groups:
        for resource in grant.resources:
            for verb in grant.verbs:
                for name in grant.names or (None,):
                    yield Grant((verb,), (group,), (resource,), () if name is None else (name,))
    for url in grant.urls:
        for verb in grant.verbs:
            yield Grant((verb,), urls=(url,))


def compact(grants: Iterable[Grant]) -> list[Grant]:
    """Join the verbs of permissions for one resource, in the order of their first mention."""
    joined: dict[Grant, dict[str, None]] = {}
    for grant in grants:
        key = grant._replace(verbs=()) if grant.resources else grant
        joined.setdefault(key, {}).update(dict.fromkeys(grant.verbs))
    return [key._replace(verbs=tuple(verbs)) for key, verbs in joined.items()]


def quoted(values: Iterable[str]) -> str:
    """Return strings as Go's ``%q`` prints a list of them."""
    return "[" + " ".join(go_quote(value) for value in values) + "]"


def _size(grant: Grant) -> int:
    resources = len(grant.groups) * len(grant.resources) * max(1, len(grant.names))
    return (resources + len(grant.urls)) * len(grant.verbs)


def _covers(mine: Collection[str], others: Collection[str]) -> bool:
    return "*" in mine or set(others) <= set(mine)


def _meet(mine: Collection[str], others: Collection[str]) -> bool:
    return "*" in mine or not set(mine).isdisjoint(others)


def _covers_resources(mine: Collection[str], others: Collection[str]) -> bool:
    if _covers(mine, others):
        return True
    return all(other in mine or ("/" in other and f"*/{other.partition('/')[2]}" in mine) for other in others)


def _covers_urls(mine: Collection[str], others: Collection[str]) -> bool:
    return all(any(_covers_url(own, other) for own in mine) for other in others)


def _covers_url(own: str, other: str) -> bool:
    return own in ("*", other) or (own.endswith("*") and other.startswith(own.rstrip("*")))
