"""The table of all flags of ``kapi serve``: kube-apiserver's, kapi's own, old ones, and those of plugins."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import get_args

from kapi.config import checks
from kapi.config.kubeflags import GROUPS
from kapi.contracts.plugins import Option, OptionType

SHORT = {"v": "v", "h": "help"}
"""One-letter forms: ``-v2``, ``-h``."""

RENAMED = {
    "experimental-bootstrap-token-auth": "enable-bootstrap-token-auth",
    "experimental-encryption-provider-config": "encryption-provider-config",
    "service-account-api-audiences": "api-audiences",
}
"""Old names of flags, with the names that they have now. Using one gives a warning."""

_TYPES = frozenset(get_args(OptionType))

OWN = (
    Option(
        "data-dir",
        "path",
        None,
        "Folder for the database, keys, certificates and the admin kubeconfig; default: "
        "kapi in the user's data folder.",
    ),
    Option(
        "workers",
        "int",
        1,
        "Processes that serve requests; more than one needs a storage backend that several processes may open.",
        check=checks.positive,
    ),
    Option(
        "controllers",
        "strings",
        ("*",),
        "Controllers to run: * for all, NAME for one, -NAME to leave one out, empty for none.",
    ),
    Option("plugins", "strings", ("*",), "Plugins to use of those installed: NAME, GROUP:NAME, GROUP:* or *."),
    Option("disable-plugins", "strings", (), "Plugins not to use: NAME or GROUP:NAME."),
)
"""Flags that only kapi has."""

_NOTHING_INSECURE = "kapi serves no unencrypted port"
_GONE: dict[str, tuple[OptionType, str]] = {
    "address": ("string", _NOTHING_INSECURE),
    "port": ("int", _NOTHING_INSECURE),
    "insecure-bind-address": ("string", _NOTHING_INSECURE),
    "insecure-port": ("int", _NOTHING_INSECURE),
    "insecure-allow-any-token": ("bool", "tokens are always checked"),
    "basic-auth-file": ("path", "password authentication does not exist any more: use --token-auth-file"),
    "experimental-keystone-ca-file": ("path", "keystone authentication does not exist any more"),
    "experimental-keystone-url": ("string", "keystone authentication does not exist any more"),
    "enable-swagger-ui": ("bool", "there is no swagger UI; /openapi/v2 and /openapi/v3 are served"),
    "apiserver-count": ("int", "the number of API servers need not be configured"),
    "kubelet-https": ("bool", "kubelets are only spoken to over HTTPS"),
    "kubelet-port": ("int", "the port is that of the node's status"),
    "kubelet-read-only-port": ("int", "it is never used"),
    "etcd-quorum-read": ("bool", "reads are always consistent"),
    "storage-version": ("string", "storage versions are those of the API groups"),
    "storage-versions": ("strings", "storage versions are those of the API groups"),
    "deserialization-cache-size": ("int", "there is no such cache"),
    "default-watch-cache-size": ("int", "the watch cache is sized by itself"),
    "target-ram-mb": ("int", "it has no effect"),
    "repair-malformed-updates": ("bool", "malformed updates are refused"),
    "master-service-namespace": ("string", "it is always default"),
    "cloud-provider": ("string", "cloud providers run outside the API server"),
    "cloud-config": ("path", "cloud providers run outside the API server"),
    "cloud-provider-gce-lb-src-cidrs": ("strings", "cloud providers run outside the API server"),
    "cloud-provider-gce-l7lb-src-cidrs": ("strings", "cloud providers run outside the API server"),
    "ssh-keyfile": ("path", "there are no SSH tunnels"),
    "ssh-user": ("string", "there are no SSH tunnels"),
    "tls-ca-file": ("path", "put intermediate certificates into --tls-cert-file"),
    "max-resource-write-bytes": ("int", "it has no effect"),
    "alsologtostderr": ("bool", "the log goes to stderr"),
    "logtostderr": ("bool", "the log goes to stderr"),
    "log-backtrace-at": ("string", "it has no effect"),
    "log-dir": ("path", "the log goes to stderr"),
    "log-file": ("path", "the log goes to stderr"),
    "log-file-max-size": ("int", "the log goes to stderr"),
    "add-dir-header": ("bool", "it has no effect"),
    "one-output": ("bool", "it has no effect"),
    "skip-headers": ("bool", "it has no effect"),
    "skip-log-headers": ("bool", "it has no effect"),
    "stderrthreshold": ("string", "the log goes to stderr"),
}
_EMPTY: Mapping[str, object] = {"bool": False, "int": 0, "strings": (), "path": None, "string": ""}


class TableError(ValueError):
    """Two declarations of one flag contradict each other, or a declaration is malformed."""


class FlagTable(Mapping[str, Option]):
    """Flags by name, in the order in which help lists them."""

    def __init__(self, options: Iterable[Option]) -> None:
        """Take the options; of two with one name the later replaces a planned one, as :meth:`declare` does."""
        self._options: dict[str, Option] = {}
        for option in options:
            self.declare(option)

    def declare(self, option: Option) -> None:
        """Add a flag, or put it in the place of a planned one of that name.

        The same flag may be declared twice with the same type (two plugins share it): the first one stands.
        Raises TableError when the types differ or the declaration is malformed.
        """
        _check_declaration(option)
        present = self._options.get(option.name)
        if present is None:
            self._options[option.name] = option
        elif present.planned and not option.planned:
            self._options[option.name] = replace(option, group=present.group)
        elif present.type != option.type:
            raise TableError(f"flag --{option.name} exists already with type {present.type}, not {option.type}")

    def __getitem__(self, name: str) -> Option:
        """Return a flag; raises KeyError."""
        return self._options[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._options)

    def __len__(self) -> int:
        """Return how many flags there are."""
        return len(self._options)

    def groups(self) -> dict[str, list[Option]]:
        """Return the flags by heading; old flags that only warn are left out."""
        found: dict[str, list[Option]] = {}
        for option in self._options.values():
            if option.name not in _GONE:
                found.setdefault(option.group, []).append(option)
        return found


def _check_declaration(option: Option) -> None:
    name = option.name
    if not (name.replace("-", "").isalnum() and name.isascii() and name == name.lower() and name[0].isalnum()):
        raise TableError(f"{name!r} is no name for a flag: lower-case letters, digits and dashes")
    if option.type not in _TYPES:
        raise TableError(f"flag --{name} has the unknown type {option.type!r}")


def core_table() -> FlagTable:
    """Return a new table of the flags that exist without any plugin."""
    own = [replace(option, group="Kapi") for option in OWN]
    kube = [replace(option, group=group) for group, rows in GROUPS for option in rows]
    gone = [_gone(name, type, reason) for name, (type, reason) in _GONE.items()]
    return FlagTable([*own, *kube, *gone])


def _gone(name: str, type: OptionType, reason: str) -> Option:
    return Option(name, type, _EMPTY[type], "Has no effect.", deprecated=reason)
