"""The file of ``--encryption-provider-config``: EncryptionConfiguration of apiserver.config.k8s.io/v1.

Only imported when that flag is given. What is wrong with a file is told in kube-apiserver's words, and never with a key
in it.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from marshmallow import Schema, ValidationError, fields, validate

from kapi.config.completed import ConfigError
from kapi.meta.errors import FieldError, field_invalid, field_required
from kapi.meta.gvk import GroupResource
from kapi.meta.schema.parse import ParseError
from kapi.meta.schema.yaml import read_yaml

Kind = Literal["identity", "aesgcm", "aescbc", "secretbox"]

EVERYTHING = GroupResource("*", "*")
MAX_BYTES = 1 << 20

_HEADS = (("apiserver.config.k8s.io/v1", "EncryptionConfiguration"), ("v1", "EncryptionConfig"))
_KEY_SIZES: Mapping[str, tuple[int, ...]] = {"aesgcm": (16, 24, 32), "aescbc": (16, 24, 32), "secretbox": (32,)}
_NOT_RESOURCES = frozenset({"apiserveripinfo", "serviceipallocations", "servicenodeportallocations"})
_OVERLAP = (
    "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be "
    "masked"
)
_STAR = "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources"
_GROUPS = {
    "events.k8s.io": "'*.events.k8s.io' objects are stored using the 'events' API group. Use 'events' instead",
    "extensions": "'extensions' group has been removed and cannot be used for encryption",
}
_NO_PROVIDER = "provider does not contain any of the expected providers: AESGCM, AESCBC, Secretbox, Identity"
_TWO_PROVIDERS = "more than one provider specified in a single element, should split into different list elements"


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """A key with the name under which stored values refer to it."""

    name: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Provider:
    """One way to write and read values; ``identity`` has no keys, the others write with the first of theirs."""

    kind: Kind
    keys: tuple[EncryptionKey, ...] = ()


@dataclass(frozen=True, slots=True)
class EncryptionRule:
    """Resources (``*`` for all, of a group or of all groups) and their providers: the first writes, all read."""

    resources: tuple[GroupResource, ...]
    providers: tuple[Provider, ...]


class _KeySchema(Schema):
    name = fields.String(load_default="")
    secret = fields.String(load_default="")


class _KeysSchema(Schema):
    keys = fields.List(fields.Nested(_KeySchema), load_default=list, allow_none=True)


class _ProviderSchema(Schema):
    identity = fields.Nested(Schema, allow_none=True)
    aesgcm = fields.Nested(_KeysSchema, allow_none=True)
    aescbc = fields.Nested(_KeysSchema, allow_none=True)
    secretbox = fields.Nested(_KeysSchema, allow_none=True)
    kms = fields.Raw(validate=validate.Equal(None, error="kapi has no kms provider: use aesgcm, aescbc or secretbox"))


class _RuleSchema(Schema):
    resources = fields.List(fields.String(), load_default=list, allow_none=True)
    providers = fields.List(fields.Nested(_ProviderSchema), load_default=list, allow_none=True)


class _FileSchema(Schema):
    apiVersion = fields.String(required=True)
    kind = fields.String(required=True)
    resources = fields.List(fields.Nested(_RuleSchema), load_default=list, allow_none=True)


def read_encryption_file(path: Path) -> tuple[EncryptionRule, ...]:
    """Return the rules of a file. Raises ConfigError with everything that is wrong, OSError if it cannot be read."""
    with path.open("rb") as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ConfigError([f"{path}: larger than {MAX_BYTES} bytes"])
    try:
        return parse_encryption(text)
    except ConfigError as ex:
        raise ConfigError([f"{path}: {line}" for line in ex.errors]) from None


def parse_encryption(text: bytes) -> tuple[EncryptionRule, ...]:
    """Return the rules of a text in YAML or JSON. Raises ConfigError."""
    try:
        document = read_yaml(text)
    except ParseError as ex:
        raise ConfigError([str(ex)]) from ex
    if document.duplicates:
        raise ConfigError([document.duplicates])
    if not isinstance(document.value, dict):
        raise ConfigError(["not an object of kind EncryptionConfiguration"])
    try:
        config: dict[str, Any] = _FileSchema().load(document.value)
    except ValidationError as ex:
        raise ConfigError([f"{place}: {problem}" for place, problem in _flat("", ex.messages)]) from None
    if (config["apiVersion"], config["kind"]) not in _HEADS:
        given = f"{config['kind']!r} of {config['apiVersion']!r}"
        raise ConfigError([f"no kind {given}: use {_HEADS[0][1]} of {_HEADS[0][0]}"])
    rules = config["resources"] or []
    findings = [*_check(rules)]
    if findings:
        raise ConfigError([str(finding) for finding in findings])
    return _unmasked(tuple(_rule(rule) for rule in rules))


def parse_group_resource(text: str) -> GroupResource:
    """Read ``resource.group``; ``*.`` and ``secrets`` are of the core group."""
    resource, _, group = text.partition(".")
    return GroupResource(group, resource)


def _flat(place: str, messages: Any) -> Iterator[tuple[str, str]]:
    """Yield marshmallow's messages with the path of the member that each is about."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            step = f"[{name}]" if isinstance(name, int) else f".{name}" if place else str(name)
            yield from _flat(place + step, inner)
    elif isinstance(messages, list):
        yield place, " ".join(map(str, messages))


def _rule(rule: Mapping[str, Any]) -> EncryptionRule:
    resources = tuple(map(parse_group_resource, rule["resources"]))
    return EncryptionRule(resources, tuple(_provider(*_present(provider)[0]) for provider in rule["providers"]))


def _provider(kind: str, content: Mapping[str, Any]) -> Provider:
    keys = tuple(EncryptionKey(key["name"], _secret(key["secret"])) for key in content.get("keys") or ())
    return Provider(cast(Kind, kind), keys)


def _present(provider: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(kind, content) for kind, content in provider.items() if content is not None]


def _secret(text: str) -> bytes:
    """Raises binascii.Error. Line ends within count for nothing."""
    return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)


def _check(rules: Sequence[Mapping[str, Any]]) -> Iterator[FieldError]:
    if not rules:
        yield field_required("resources", "at least one resources is required")
    for index, rule in enumerate(rules):
        yield from _check_resources(f"resources[{index}].resources", rule["resources"] or [])
        yield from _check_providers(f"resources[{index}].providers", rule["providers"] or [])


def _check_resources(place: str, names: Sequence[str]) -> Iterator[FieldError]:
    if not names:
        yield field_required(place, f"at least one {place} is required")
    resources = [parse_group_resource(name) for name in names]
    if len(set(resources)) < len(resources):
        yield field_invalid(place, list(names), "the same resource cannot be specified multiple times")
    if any(_covers(one, other) for one in resources for other in resources if one != other):
        yield field_invalid(place, list(names), _OVERLAP)
    for index, name in enumerate(names):
        problem = _problem(name, resources[index])
        if problem:
            yield field_invalid(f"{place}[{index}]", name, problem)


def _covers(one: GroupResource, other: GroupResource) -> bool:
    return one == EVERYTHING or (one.resource == "*" and one.group == other.group)


def _problem(name: str, resource: GroupResource) -> str:
    """Return what is wrong with the name of a resource, or ""."""
    if name != name.lower():
        return "resource name should not contain capital letters"
    if name == "*":
        return _STAR
    if name in _NOT_RESOURCES:
        return "resources which do not have REST API/s cannot be encrypted"
    if resource.group == "*" and resource.resource != "*":
        return "encrypting the same resource across groups is not supported"
    return _GROUPS.get(resource.group, "")


def _check_providers(place: str, providers: Sequence[Mapping[str, Any]]) -> Iterator[FieldError]:
    if not providers:
        yield field_required(place, f"at least one {place} is required")
    for index, provider in enumerate(providers):
        present = _present(provider)
        if len(present) != 1:
            yield field_invalid(f"{place}[{index}]", sorted(provider), _TWO_PROVIDERS if present else _NO_PROVIDER)
            continue
        kind, content = present[0]
        if kind in _KEY_SIZES:
            yield from _check_keys(f"{place}[{index}].{kind}.keys", content["keys"] or [], _KEY_SIZES[kind])


def _check_keys(place: str, keys: Sequence[Mapping[str, str]], sizes: Sequence[int]) -> Iterator[FieldError]:
    if not keys:
        yield field_required(place, "at least one keys is required")
    for index, key in enumerate(keys):
        if not key["name"]:
            yield field_required(f"{place}[{index}].name", "name is a mandatory field for a key")
        if not key["secret"]:
            yield field_required(f"{place}[{index}].secret", "secret is a mandatory field for a key")
            continue
        problem = _secret_problem(key["secret"], sizes)
        if problem:
            yield field_invalid(f"{place}[{index}].secret", "REDACTED", problem)


def _secret_problem(text: str, sizes: Sequence[int]) -> str:
    try:
        size = len(_secret(text))
    except (binascii.Error, ValueError):
        return "secrets must be base64 encoded"
    if size in sizes:
        return ""
    return f"secret is not of the expected length, got {size}, expected one of [{' '.join(map(str, sizes))}]"


def _unmasked(rules: tuple[EncryptionRule, ...]) -> tuple[EncryptionRule, ...]:
    """Return the rules; raises ConfigError when one has no effect because an earlier one covers its resources."""
    seen: list[GroupResource] = []
    errors = []
    for rule in rules:
        for resource in rule.resources:
            masks = [earlier for earlier in seen if earlier.resource == "*" and _covers(earlier, resource)]
            if masks:
                errors.append(f'resource "{_shown(resource)}" is masked by earlier rule "{_shown(masks[0])}"')
        seen += rule.resources
    if errors:
        raise ConfigError(errors)
    return rules


def _shown(resource: GroupResource) -> str:
    if resource.group or resource.resource == "*":
        return f"{resource.resource}.{resource.group}"
    return resource.resource
