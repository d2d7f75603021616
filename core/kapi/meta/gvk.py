"""Names of API types and resources.

The five coordinates of the Kubernetes API conventions ("Types (Kinds)" and "Resources"):
group, version, kind and group, version, resource, with their version-less forms.
"""

from typing import NamedTuple


class GroupKind(NamedTuple):
    """A kind in any version of its group."""

    group: str
    kind: str

    def __str__(self) -> str:
        """Return ``Kind.group``, or the bare kind for the core group, as Status messages print it."""
        return f"{self.kind}.{self.group}" if self.group else self.kind


class GroupResource(NamedTuple):
    """A resource in any version of its group."""

    group: str
    resource: str

    def __str__(self) -> str:
        """Return ``resource.group``, or the bare resource for the core group."""
        return f"{self.resource}.{self.group}" if self.group else self.resource


class GroupVersion(NamedTuple):
    """A version of a group; ``str()`` gives the ``apiVersion`` of its objects."""

    group: str
    version: str

    def __str__(self) -> str:
        """Return the wire form: ``v1`` for the core group, ``apps/v1`` otherwise."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @classmethod
    def parse(cls, api_version: str) -> "GroupVersion":
        """Split an ``apiVersion``; raises ValueError when it has more than one slash."""
        group, slash, version = api_version.partition("/")
        if not slash:
            return cls("", group)
        if "/" in version:
            raise ValueError(f"unexpected GroupVersion string: {api_version}")
        return cls(group, version)

    def with_kind(self, kind: str) -> "GroupVersionKind":
        """Return the GroupVersionKind of ``kind`` in this version."""
        return GroupVersionKind(self.group, self.version, kind)

    def with_resource(self, resource: str) -> "GroupVersionResource":
        """Return the GroupVersionResource of ``resource`` in this version."""
        return GroupVersionResource(self.group, self.version, resource)


class GroupVersionKind(NamedTuple):
    """A kind in one version of its group."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """The ``apiVersion`` that objects of this kind carry."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_kind(self) -> GroupKind:
        """The kind without its version."""
        return GroupKind(self.group, self.kind)

    def __str__(self) -> str:
        """Return the form that apimachinery prints: ``/v1, Kind=ConfigMap``."""
        return f"{self.group}/{self.version}, Kind={self.kind}"


class GroupVersionResource(NamedTuple):
    """A resource in one version of its group."""

    group: str
    version: str
    resource: str

    @property
    def api_version(self) -> str:
        """The ``apiVersion`` under which the resource is served."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def group_resource(self) -> GroupResource:
        """The resource without its version."""
        return GroupResource(self.group, self.resource)
