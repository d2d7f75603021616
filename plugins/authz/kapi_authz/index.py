"""Who is bound to which role: an index over the RBAC objects that follows their changes one by one."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from kapi.contracts.authn import UserInfo
from kapi.contracts.client import Event, Object
from kapi.meta.errors import go_quote
from kapi_authz.rules import Rule

_Subject = tuple[str, str]
_RoleKey = tuple[str, str]


class Binding(NamedTuple):
    """A role binding, or a cluster role binding (``namespace`` ""), with what there is to say about it.

    ``subjects`` are in their order, each with the words for it.
    """

    namespace: str
    name: str
    role: _RoleKey
    subjects: tuple[tuple[_Subject, str], ...]
    allows: str
    missing_role: str

    def describe(self, user: UserInfo) -> str:
        """Say by which binding and as which subject ``user`` is allowed something."""
        for (kind, name), words in self.subjects:
            if name == user.name if kind == "User" else name in user.groups:
                return self.allows + words
        return self.allows


class Candidates(NamedTuple):
    """What may allow a kind of requests: rules with their bindings in order, and what is said of missing roles."""

    rules: tuple[tuple[Rule, Binding], ...]
    missing: tuple[str, ...]


REMEMBERED = 4096
"""How many kinds of requests candidates are remembered for."""


class RoleIndex:
    """Roles by name, and bindings by scope and subject.

    ``remembered`` holds what has been found out for kinds of requests. It is emptied by every change of a role or
    binding, before anybody can ask again: nothing in it is older than the index.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self._roles: dict[_RoleKey, tuple[Rule, ...]] = {}
        self._bindings: dict[_RoleKey, Binding] = {}
        self._by_scope: dict[str, dict[_Subject, dict[str, Binding]]] = {}
        self.remembered: dict[tuple[object, ...], Candidates] = {}

    def role_changed(self, event: Event) -> None:
        """Take a change of a Role or ClusterRole."""
        self.remembered.clear()
        key = _key(event.object)
        if event.type == "DELETED":
            self._roles.pop(key, None)
        else:
            self._roles[key] = tuple(Rule(rule) for rule in event.object.get("rules") or ())

    def binding_changed(self, event: Event) -> None:
        """Take a change of a RoleBinding or ClusterRoleBinding."""
        self.remembered.clear()
        key = _key(event.object)
        old = self._bindings.pop(key, None)
        if old is not None:
            self._unlink(old)
        if event.type != "DELETED":
            self._link(key, _binding(event.object))

    def remember(self, kind: tuple[object, ...], candidates: Candidates) -> None:
        """Keep candidates until something changes, or there are too many."""
        if len(self.remembered) >= REMEMBERED:
            self.remembered.clear()
        self.remembered[kind] = candidates

    def rules(self, role: _RoleKey) -> tuple[Rule, ...] | None:
        """Return the rules of a role, by (namespace, name); None if there is no such role."""
        return self._roles.get(role)

    def bindings_for(self, user: UserInfo, namespace: str) -> Iterator[Binding]:
        """Yield the bindings that apply to a user: the cluster's, then those of ``namespace`` ("": none)."""
        for scope in ("", namespace) if namespace else ("",):
            by_subject = self._by_scope.get(scope)
            if not by_subject:
                continue
            found = by_subject.get(("User", user.name))
            if found:
                yield from found.values()
            for group in user.groups:
                found = by_subject.get(("Group", group))
                if found:
                    yield from found.values()

    def _link(self, key: _RoleKey, binding: Binding) -> None:
        self._bindings[key] = binding
        by_subject = self._by_scope.setdefault(binding.namespace, {})
        for subject, _ in binding.subjects:
            by_subject.setdefault(subject, {})[binding.name] = binding

    def _unlink(self, binding: Binding) -> None:
        by_subject = self._by_scope[binding.namespace]
        for subject in {subject for subject, _ in binding.subjects}:
            names = by_subject[subject]
            names.pop(binding.name, None)
            if not names:
                del by_subject[subject]
        if not by_subject:
            del self._by_scope[binding.namespace]


def _key(obj: Object) -> _RoleKey:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _binding(obj: Object) -> Binding:
    namespace, name = _key(obj)
    reference = obj["roleRef"]
    kind, role = reference.get("kind", ""), reference.get("name", "")
    shown = go_quote(f"{name}/{namespace}" if namespace else name)
    binding_kind = "RoleBinding" if namespace else "ClusterRoleBinding"
    return Binding(
        namespace,
        name,
        (namespace if kind == "Role" else "", role),
        tuple(_subjects(obj.get("subjects") or (), namespace)),
        f"RBAC: allowed by {binding_kind} {shown} of {kind} {go_quote(role)} to ",
        f"{kind.lower()}.rbac.authorization.k8s.io {go_quote(role)} not found",
    )


def _subjects(subjects: Iterable[Mapping[str, str]], namespace: str) -> Iterator[tuple[_Subject, str]]:
    """Yield whom the subjects stand for, with the words for them; a service account stands for its user name."""
    for subject in subjects:
        kind, name = subject.get("kind", ""), subject.get("name", "")
        if kind in ("User", "Group"):
            yield (kind, name), f"{kind} {go_quote(name)}"
        elif kind == "ServiceAccount":
            home = subject.get("namespace") or namespace
            if home:
                yield ("User", f"system:serviceaccount:{home}:{name}"), f"{kind} {go_quote(f'{name}/{home}')}"
