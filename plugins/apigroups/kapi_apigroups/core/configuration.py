"""Rules of ConfigMap, Secret and ServiceAccount."""

import base64

from kapi.contracts.resources import Object, RequestContext, Strategy
from kapi.meta.errors import FieldError, field_forbidden, field_invalid, field_required, field_too_long
from kapi.meta.names import byte_length, config_map_key
from kapi_apigroups.core.key_pairs import key_pair_problem

_LARGEST = 1024 * 1024
_IMMUTABLE = "field is immutable when `immutable` is set"
_REFERENCE_MEMBERS = ("name",)


def _validate_key(key: str, path: str) -> list[FieldError]:
    return [field_invalid(path, key, problem) for problem in config_map_key(key)]


def _validate_keys(values: Object, path: str) -> list[FieldError]:
    return [error for key in sorted(values) for error in _validate_key(key, f"{path}[{key}]")]


def _validate_frozen(obj: Object, old: Object, members: tuple[str, ...]) -> list[FieldError]:
    """Return the errors of changing an object whose stored state says ``immutable: true``."""
    if not old.get("immutable"):
        return []
    errors = []
    if not obj.get("immutable"):
        errors.append(field_forbidden("immutable", _IMMUTABLE))
    return errors + [field_forbidden(name, _IMMUTABLE) for name in members if obj.get(name) != old.get(name)]


class ConfigMapStrategy(Strategy):
    """ConfigMaps: keys are file names, and an immutable one stays as it is."""

    rechecks_metadata = True

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check the keys and the size."""
        data, binary = obj.get("data", {}), obj.get("binaryData", {})
        errors = []
        for key in sorted(data):
            errors += [field_invalid(f"data[{key}]", key, problem) for problem in config_map_key(key)]
            if key in binary:
                errors.append(field_invalid(f"data[{key}]", key, "duplicate of key present in binaryData"))
        errors += _validate_keys(binary, "binaryData")
        size = sum([byte_length(value) for value in data.values()])
        if size + sum([_decoded_size(value) for value in binary.values()]) > _LARGEST:
            errors.append(field_too_long("", _LARGEST))
        return errors

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Refuse changes of an immutable ConfigMap."""
        return _validate_frozen(obj, old, ("data", "binaryData")) + self.validate(ctx, obj)


def _decoded_size(text: str) -> int:
    return len(text) * 3 // 4 - text.endswith("=") - text.endswith("==")


_REQUIRED_KEYS: dict[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_JSON_KEYS = (".dockercfg", ".dockerconfigjson")
_ACCOUNT_NAME = "kubernetes.io/service-account.name"


class SecretStrategy(Strategy):
    """Secrets: text members become data, the type decides which keys must be there."""

    rechecks_metadata = True

    def default(self, obj: Object) -> None:
        """Set the type, and move ``stringData`` into ``data``."""
        obj.setdefault("type", "Opaque")
        text = obj.pop("stringData", None)
        if text:
            data = obj.setdefault("data", {})
            for key, value in text.items():
                data[key] = base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")

    def validate(self, ctx: RequestContext, obj: Object) -> list[FieldError]:
        """Check keys, size and what the type demands."""
        data = obj.get("data", {})
        errors = _validate_keys(data, "data")
        if sum(_decoded_size(value) for value in data.values()) > _LARGEST:
            errors.append(field_too_long("data", _LARGEST))
        return errors + _validate_secret_type(obj, data)

    def warnings(self, ctx: RequestContext, obj: Object, old: Object | None) -> list[str]:
        """Warn of a certificate and key that cannot be used."""
        if obj.get("type") != "kubernetes.io/tls":
            return []
        data = obj.get("data", {})
        problem = key_pair_problem(data.get("tls.crt", ""), data.get("tls.key", ""))
        return [problem] if problem else []

    def validate_update(self, ctx: RequestContext, obj: Object, old: Object) -> list[FieldError]:
        """Refuse changes of the type, and of an immutable Secret."""
        errors = []
        if obj.get("type") != old.get("type"):
            errors.append(field_invalid("type", obj.get("type", ""), "field is immutable"))
        return errors + _validate_frozen(obj, old, ("data",)) + self.validate(ctx, obj)


def _validate_secret_type(obj: Object, data: Object) -> list[FieldError]:
    kind = obj.get("type", "")
    if kind == "kubernetes.io/service-account-token":
        if not obj["metadata"].get("annotations", {}).get(_ACCOUNT_NAME):
            return [field_required(f"metadata.annotations[{_ACCOUNT_NAME}]")]
        return []
    if kind == "kubernetes.io/basic-auth":
        if "username" not in data and "password" not in data:
            return [field_required("data[username]"), field_required("data[password]")]
        return []
    keys = _REQUIRED_KEYS.get(kind, ())
    errors = [field_required(f"data[{key}]") for key in keys if key not in data]
    return errors + [
        field_invalid(f"data[{key}]", "<secret contents redacted>", problem)
        for key in keys
        if key in _JSON_KEYS and key in data and (problem := _json_problem(data[key]))
    ]


def _json_problem(encoded: str) -> str:
    """Return why a base64 text does not hold a JSON object, "" if it does."""
    import json

    try:
        value = json.loads(base64.b64decode(encoded))
    except (ValueError, RecursionError):
        return "invalid character in JSON text"
    return "" if isinstance(value, dict) else "must be a JSON object"


class ServiceAccountStrategy(Strategy):
    """ServiceAccounts: of the secrets that they list, only the names are kept."""

    rechecks_metadata = True
    returns_deleted = True

    def prepare_for_create(self, ctx: RequestContext, obj: Object) -> None:
        """Keep just the names of the listed secrets."""
        _strip_references(obj)

    def prepare_for_update(self, ctx: RequestContext, obj: Object, old: Object) -> None:
        """Keep just the names of the listed secrets."""
        _strip_references(obj)


def _strip_references(account: Object) -> None:
    if "secrets" in account:
        account["secrets"] = [
            {member: one[member] for member in _REFERENCE_MEMBERS if member in one} for one in account["secrets"]
        ]
