"""Which values are encrypted in storage, and how they are told apart there.

An encrypted value begins with ``k8s:enc:PROVIDER:v1:KEYNAME:`` there, as kube-apiserver writes it. Reading tries every
transformer whose prefix fits; a value that another than the first one reads is stale: writing it again, unchanged,
brings it up to date.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from kapi.meta.gvk import GroupResource
from kapi.storage.unreadable import ENCRYPTED, NOT_DECRYPTED, TransformError

if TYPE_CHECKING:
    from kapi.config.encryption_file import EncryptionKey, EncryptionRule, Provider


class Transformer(Protocol):
    """Translates between values and what the store keeps of them. ``key`` is the storage key of the value."""

    def to_storage(self, value: bytes, key: str) -> bytes:
        """Return what to store for a value."""

    def from_storage(self, value: bytes, key: str) -> tuple[bytes, bool]:
        """Return the value that was stored, and whether it is stale. Raises TransformError."""


class Identity:
    """Stores values as they are, and refuses to take encrypted ones for plain."""

    def to_storage(self, value: bytes, key: str) -> bytes:
        """Return the value."""
        return value

    def from_storage(self, value: bytes, key: str) -> tuple[bytes, bool]:
        """Return the value; raises TransformError if it is encrypted."""
        if value.startswith(ENCRYPTED):
            raise TransformError(NOT_DECRYPTED)
        return value, False


class Prefixed:
    """Several transformers, each with the prefix that its values have in storage. The first one writes."""

    def __init__(self, transformers: Sequence[tuple[bytes, Transformer]], otherwise: str) -> None:
        """Take pairs of prefix and transformer, and what is wrong with a value that no prefix fits."""
        self._transformers = tuple(transformers)
        self._write_prefix, self._writer = self._transformers[0]
        self._otherwise = otherwise

    def to_storage(self, value: bytes, key: str) -> bytes:
        """Return the value as the first transformer writes it, behind its prefix."""
        return self._write_prefix + self._writer.to_storage(value, key)

    def from_storage(self, value: bytes, key: str) -> tuple[bytes, bool]:
        """Return the value from the first transformer that can read it; raises TransformError.

        A prefix that fits need not be the right one: rotation has the same one twice, with different keys.
        """
        problems: list[str] = []
        for index, (prefix, transformer) in enumerate(self._transformers):
            if not value.startswith(prefix):
                continue
            try:
                plain, stale = transformer.from_storage(value[len(prefix) :], key)
            except TransformError as problem:
                if prefix:
                    problems.append(str(problem))
            else:
                return plain, stale or index > 0
        raise TransformError(_joined(problems) or self._otherwise)


def _joined(problems: Sequence[str]) -> str:
    return f"[{', '.join(problems)}]" if len(problems) > 1 else "".join(problems)


class Encryption:
    """Knows the transformer of every key: by the resource, its group, or for all resources, whichever is there first.

    Keys of no resource are not encrypted.
    """

    def __init__(
        self,
        transformers: Mapping[GroupResource, Transformer],
        prefix: str,
        stored: Callable[[], Iterable[tuple[str, GroupResource]]],
    ) -> None:
        """Take the transformers, the prefix of all keys (ending in a slash), and what returns the resources.

        ``stored`` is called once, when it is first needed: it returns the storage prefixes of resources. The keys of
        others, ``group.with.dots/plural``, say what they are.
        """
        self._transformers = dict(transformers)
        self._prefix = prefix
        self._stored = stored
        self._resources: dict[str, GroupResource] = {}
        self._known: dict[str, Transformer] = {}
        self._identity = Identity()

    def replace(self, transformers: Mapping[GroupResource, Transformer]) -> None:
        """Use other transformers from now on."""
        self._transformers = dict(transformers)
        self._known = {}

    def of(self, key: str) -> Transformer:
        """Return the transformer of a key."""
        if not key.startswith(self._prefix):
            return self._identity
        first, _, rest = key[len(self._prefix) :].partition("/")
        found = self._known.get(first)
        if found is None:
            part = f"{first}/{rest.partition('/')[0]}"
            found = self._known.get(part) or self._find(first, part)
        return found

    def _find(self, first: str, part: str) -> Transformer:
        if not self._resources:
            for prefix, resource in self._stored():
                self._resources.setdefault(prefix, resource)
        for candidate in (first, part):
            if candidate in self._resources:
                return self._learn(candidate, self._resources[candidate])
        group, _, plural = part.partition("/")
        return self._learn(part, GroupResource(group, plural)) if "." in group else self._identity

    def _learn(self, part: str, resource: GroupResource) -> Transformer:
        found: Transformer = self._identity
        for covering in (resource, GroupResource(resource.group, "*"), GroupResource("*", "*")):
            if covering in self._transformers:
                found = self._transformers[covering]
                break
        self._known[part] = found
        return found


def build_transformers(rules: Iterable["EncryptionRule"]) -> dict[GroupResource, Transformer]:
    """Return the transformers of the resources that the rules name. Raises ConfigError.

    A resource may be in several rules: the providers of the later ones only read.
    """
    parts: dict[GroupResource, list[tuple[bytes, Transformer]]] = {}
    for rule in rules:
        providers = [_provider(provider) for provider in rule.providers]
        for resource in rule.resources:
            parts.setdefault(resource, []).extend(providers)
    return {resource: Prefixed(providers, "no matching prefix found") for resource, providers in parts.items()}


def _provider(provider: "Provider") -> tuple[bytes, Transformer]:
    if provider.kind == "identity":
        return b"", Identity()
    family = "Secretbox" if provider.kind == "secretbox" else "AES"
    keys = [(f"{key.name}:".encode(), _cipher(provider.kind, key)) for key in provider.keys]
    keyed = Prefixed(keys, f"no matching key was found for the provided {family} transformer")
    return b"%b%b:v1:" % (ENCRYPTED, provider.kind.encode()), keyed


def _cipher(kind: str, key: "EncryptionKey") -> Transformer:
    from kapi.storage.ciphers import AesCbc, AesGcm, XSalsaBox

    ciphers: dict[str, Callable[[bytes], Transformer]] = {"aesgcm": AesGcm, "aescbc": AesCbc, "secretbox": XSalsaBox}
    return ciphers[kind](key.secret)
