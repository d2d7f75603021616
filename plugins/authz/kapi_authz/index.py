"""Who is bound to which role: an index over the RBAC objects that follows their changes one by one."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kapi.contracts.authn import UserInfo
from kapi.contracts.client import Event, Object
from kapi.meta.errors import go_quote
from kapi_authz.rules import Rule

_Subject = tuple[str, str]
_RoleKey = tuple[str, str]


class Binding(NamedTuple):
    """A role binding, or a cluster role binding (``namespace`` "")."""

    namespace: str
    name: str
    role_kind: str
    role: _RoleKey
    subjects: tuple[Mapping[str, str], ...]

    def describe(self, user: UserInfo) -> str:
        """Say by which binding and as which subject ``user`` is allowed something."""
        kind, name = (
            ("RoleBinding", f"{self.name}/{self.namespace}") if self.namespace else ("ClusterRoleBinding", self.name)
        )
        to = next((self._label(s) for s in self.subjects if _matches(s, user, self.namespace)), "")
        return f"RBAC: allowed by {kind} {go_quote(name)} of {self.role_kind} {go_quote(self.role[1])} to {to}"

    def missing_role(self) -> str:
        """Say that the role is not there."""
        return f"{self.role_kind.lower()}.rbac.authorization.k8s.io {go_quote(self.role[1])} not found"

    def _label(self, subject: Mapping[str, str]) -> str:
        name = subject.get("name", "")
        if subject.get("kind") == "ServiceAccount":
            name = f"{name}/{subject.get('namespace') or self.namespace}"
        return f"{subject.get('kind')} {go_quote(name)}"


class RoleIndex:
    """Roles by name, and bindings by scope and subject."""

    def __init__(self) -> None:
        """Begin empty."""
        self._roles: dict[_RoleKey, tuple[Rule, ...]] = {}
        self._bindings: dict[_RoleKey, Binding] = {}
        self._by_scope: dict[str, dict[_Subject, dict[str, Binding]]] = {}

    def role_changed(self, event: Event) -> None:
        """Take a change of a Role or ClusterRole."""
        key = _key(event.object)
        if event.type == "DELETED":
            self._roles.pop(key, None)
        else:
            self._roles[key] = tuple(Rule(rule) for rule in event.object.get("rules") or ())

    def binding_changed(self, event: Event) -> None:
        """Take a change of a RoleBinding or ClusterRoleBinding."""
        key = _key(event.object)
        old = self._bindings.pop(key, None)
        if old is not None:
            self._unlink(old)
        if event.type != "DELETED":
            self._link(key, _binding(event.object))

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
        for subject in _subjects(binding):
            by_subject.setdefault(subject, {})[binding.name] = binding

    def _unlink(self, binding: Binding) -> None:
        by_subject = self._by_scope[binding.namespace]
        for subject in _subjects(binding):
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
    kind = reference.get("kind", "")
    role = (namespace if kind == "Role" else "", reference.get("name", ""))
    return Binding(namespace, name, kind, role, tuple(obj.get("subjects") or ()))


def _account(subject: Mapping[str, str], namespace: str) -> str:
    """Return the user name of a ServiceAccount subject; "" when its namespace is open."""
    namespace = subject.get("namespace") or namespace
    return f"system:serviceaccount:{namespace}:{subject.get('name', '')}" if namespace else ""


def _subjects(binding: Binding) -> frozenset[_Subject]:
    found = set()
    for subject in binding.subjects:
        kind = subject.get("kind")
        if kind in ("User", "Group"):
            found.add((kind, subject.get("name", "")))
        elif kind == "ServiceAccount" and (account := _account(subject, binding.namespace)):
            found.add(("User", account))
    return frozenset(found)


def _matches(subject: Mapping[str, str], user: UserInfo, namespace: str) -> bool:
    match subject.get("kind"):
        case "User":
            return subject.get("name", "") == user.name
        case "Group":
            return subject.get("name", "") in user.groups
        case "ServiceAccount":
            return _account(subject, namespace) == user.name
    return False
