"""Options made whole: every question that a flag leaves open is answered here, before anything is opened."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from kapi.config import kubenames
from kapi.contracts.plugins import Options

DEFAULT_ISSUER = "https://kubernetes.default.svc"
"""Issuer of service account tokens unless ``--service-account-issuer`` names another."""


class ConfigError(Exception):
    """Options that contradict each other or name what is not there; ``errors`` has one line for each finding."""

    def __init__(self, errors: Sequence[str]) -> None:
        """Take the findings."""
        super().__init__("; ".join(errors))
        self.errors = tuple(errors)


class Installed(NamedTuple):
    """The names of plugins that options may choose from; other names of controllers lead to theirs."""

    storage_backends: Collection[str]
    authorizers: Collection[str]
    admission: Collection[str]
    controllers: Collection[str]
    controller_aliases: Mapping[str, str] = MappingProxyType({})


class CertificatePair(NamedTuple):
    """A certificate chain and its private key, both PEM files."""

    certificate: Path
    key: Path


class NamedCertificate(NamedTuple):
    """A certificate for some host names (none: those that it is made out to)."""

    pair: CertificatePair
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What ``*,name,-name`` chooses."""

    everything: bool
    named: frozenset[str]
    refused: frozenset[str]

    @classmethod
    def parse(cls, words: Sequence[str], aliases: Mapping[str, str]) -> "Selection":
        """Read the items of the flag; empty items count for nothing. ``aliases`` lead to the names that are meant."""
        named = frozenset(aliases.get(word, word) for word in words if word and word != "*" and word[0] != "-")
        refused = frozenset(aliases.get(word[1:], word[1:]) for word in words if word[:1] == "-")
        return cls(everything="*" in words, named=named, refused=refused)

    def __contains__(self, name: object) -> bool:
        """Tell whether ``name`` is chosen."""
        return name not in self.refused and (self.everything or name in self.named)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedFiles:
    """Which keys and certificates kapi makes by itself because no flag names them, and where they are kept."""

    directory: Path
    serving: bool
    client_ca: bool
    service_account_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletedConfig:
    """All that the server is built from. Made by :func:`complete` only; a test may make one by hand.

    ``options`` are those of the command line with the answers filled in (``client-ca-file``, ``api-audiences``, …):
    this is what plugins see. ``service_ranges`` are networks as text, the first of them primary. Files may not exist
    yet: :mod:`kapi.server.pki` makes those that ``generated`` lists. ``warnings`` are for the user to read at start.
    """

    options: Options
    data_dir: Path
    bind_address: str
    secure_port: int
    reuse_port: bool
    advertise_address: str
    external_host: str
    serving_certificate: CertificatePair
    sni_certificates: tuple[NamedCertificate, ...]
    tls_min_version: str
    tls_cipher_suites: tuple[str, ...]
    client_ca_file: Path
    generated: GeneratedFiles
    storage_backend: str
    storage_prefix: str
    authorization_modes: tuple[str, ...]
    enabled_admission: frozenset[str]
    disabled_admission: frozenset[str]
    controllers: Selection
    service_ranges: tuple[str, ...]
    workers: int
    max_requests_inflight: int
    max_mutating_requests_inflight: int
    request_timeout: float
    min_request_timeout: int
    shutdown_delay: float
    storage_timeout: float
    logging_format: str
    verbosity: int
    warnings: tuple[str, ...] = ()

    @property
    def pki_dir(self) -> Path:
        """The folder of generated keys and certificates."""
        return self.generated.directory

    @property
    def admin_kubeconfig(self) -> Path:
        """The file that the admin kubeconfig is written to."""
        return self.data_dir / "admin.kubeconfig"

    @property
    def run_dir(self) -> Path:
        """The folder for files that live as long as the process: metrics of workers."""
        return self.data_dir / "run"

    @property
    def kubernetes_service_ip(self) -> str:
        """The first address of the primary service range, which the ``kubernetes`` service has."""
        from ipaddress import ip_network

        return str(ip_network(self.service_ranges[0], strict=False)[1])


def default_data_dir() -> Path:
    """Return ``kapi`` in the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("kapi", appauthor=False)


def complete(options: Options, installed: Installed) -> CompletedConfig:
    """Answer what ``options`` leave open; raises ConfigError with everything that does not fit together."""
    errors, warnings = _check_names(options, installed)
    errors = [*_contradictions(options, installed), *errors]
    if errors:
        raise ConfigError(errors)
    data_dir = (options["data-dir"] or default_data_dir()).absolute()
    generated = GeneratedFiles(
        directory=options["cert-dir"].absolute() if options["cert-dir"] else data_dir / "pki",
        serving=options["tls-cert-file"] is None,
        client_ca=options["client-ca-file"] is None,
        service_account_key=options["service-account-signing-key-file"] is None,
    )
    answers = _answers(options, data_dir, generated.directory)
    answers |= _without_missing(options, installed)
    whole = Options({**options, **answers}, options.given)
    return replace(_config(whole, data_dir, generated, installed), warnings=tuple(warnings))


def _answers(options: Options, data_dir: Path, pki: Path) -> dict[str, Any]:
    """Return the values of flags whose default depends on others."""
    signing_key = options["service-account-signing-key-file"] or pki / "sa.key"
    issuers = options["service-account-issuer"] or (DEFAULT_ISSUER,)
    bind = options["bind-address"]
    return {
        "data-dir": data_dir,
        "cert-dir": pki,
        "tls-cert-file": options["tls-cert-file"] or pki / "apiserver.crt",
        "tls-private-key-file": options["tls-private-key-file"] or pki / "apiserver.key",
        "client-ca-file": options["client-ca-file"] or pki / "client-ca.crt",
        "service-account-signing-key-file": signing_key,
        "service-account-key-file": _verification_keys(options, pki),
        "service-account-issuer": issuers,
        "api-audiences": options["api-audiences"] or issuers[:1],
        "advertise-address": options["advertise-address"] or _advertised(bind),
    }


def _verification_keys(options: Options, pki: Path) -> tuple[str, ...]:
    """Return the files with keys that verify tokens: those given, and always the one that signs."""
    given: tuple[str, ...] = options["service-account-key-file"]
    signing = options["service-account-signing-key-file"]
    if given and signing:
        return given
    return (*given, str(signing or pki / "sa.pub"))


def _advertised(bind_address: str) -> str:
    """Return the address that others use; the one that routes outwards when all are listened on."""
    if bind_address not in ("0.0.0.0", "::"):
        return bind_address
    import socket

    family, target = (socket.AF_INET6, "2001:db8::1") if bind_address == "::" else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))  # sends nothing: asks the routing table
        except OSError:
            return "::1" if family == socket.AF_INET6 else "127.0.0.1"
        return str(probe.getsockname()[0])


def _config(options: Options, data_dir: Path, generated: GeneratedFiles, installed: Installed) -> CompletedConfig:
    return CompletedConfig(
        options=options,
        data_dir=data_dir,
        bind_address=options["bind-address"],
        secure_port=options["secure-port"],
        reuse_port=options["permit-port-sharing"],
        advertise_address=options["advertise-address"],
        external_host=options["external-hostname"],
        serving_certificate=CertificatePair(options["tls-cert-file"], options["tls-private-key-file"]),
        sni_certificates=tuple(_named_certificate(text) for text in options["tls-sni-cert-key"]),
        tls_min_version=options["tls-min-version"] or "VersionTLS12",
        tls_cipher_suites=options["tls-cipher-suites"],
        client_ca_file=options["client-ca-file"],
        generated=generated,
        storage_backend=options["storage-backend"],
        storage_prefix="/" + options["etcd-prefix"].strip("/"),
        authorization_modes=options["authorization-mode"],
        enabled_admission=frozenset((*options["enable-admission-plugins"], *options["admission-control"])),
        disabled_admission=frozenset(options["disable-admission-plugins"]),
        controllers=Selection.parse(options["controllers"], installed.controller_aliases),
        service_ranges=tuple(part.strip() for part in options["service-cluster-ip-range"].split(",")),
        workers=options["workers"],
        max_requests_inflight=options["max-requests-inflight"],
        max_mutating_requests_inflight=options["max-mutating-requests-inflight"],
        request_timeout=options["request-timeout"],
        min_request_timeout=options["min-request-timeout"],
        shutdown_delay=options["shutdown-delay-duration"],
        storage_timeout=options["storage-initialization-timeout"],
        logging_format=options["logging-format"],
        verbosity=options["v"],
    )


def _named_certificate(text: str) -> NamedCertificate:
    files, _, names = text.partition(":")
    certificate, _, key = files.partition(",")
    return NamedCertificate(CertificatePair(Path(certificate), Path(key)), tuple(filter(None, names.split(","))))


def _contradictions(options: Options, installed: Installed) -> list[str]:
    errors = []
    if (options["tls-cert-file"] is None) != (options["tls-private-key-file"] is None):
        errors.append("--tls-cert-file and --tls-private-key-file go together: give both or none")
    both = set(options["enable-admission-plugins"]) & set(options["disable-admission-plugins"])
    if both:
        errors.append(f"{', '.join(sorted(both))} in both --enable-admission-plugins and --disable-admission-plugins")
    if set(options["authorization-mode"]) <= kubenames.AUTHORIZERS_THAT_ONLY_ALLOW - set(installed.authorizers):
        errors.append("--authorization-mode needs at least one mode that is installed")
    if len(set(options["authorization-mode"])) < len(options["authorization-mode"]):
        errors.append("--authorization-mode names a mode twice")
    return errors


def _check_names(options: Options, installed: Installed) -> tuple[list[str], list[str]]:
    """Return errors and warnings about plugins that flags name, but that are not there."""
    admission = ("enable-admission-plugins", "disable-admission-plugins", "admission-control")
    chosen = Selection.parse(options["controllers"], installed.controller_aliases)
    asked = (
        *((flag, options[flag], installed.admission, kubenames.ADMISSION) for flag in admission),
        ("storage-backend", (options["storage-backend"],), installed.storage_backends, frozenset[str]()),
        (
            "authorization-mode",
            options["authorization-mode"],
            installed.authorizers,
            kubenames.AUTHORIZERS_THAT_ONLY_ALLOW,
        ),
        ("controllers", sorted(chosen.named | chosen.refused), installed.controllers, kubenames.CONTROLLERS),
    )
    errors, warnings = [], []
    for flag, names, there, planned in asked:
        for name in (name for name in names if name not in there):
            if name in planned:
                warnings.append(f"--{flag}: {name} has no effect yet: kapi does not have it")
            else:
                known = ", ".join(sorted(there)) or "none"
                errors.append(f"--{flag}: {name!r} is not among the installed plugins (there are: {known})")
    return errors, warnings


def _without_missing(options: Options, installed: Installed) -> dict[str, Any]:
    """Return the flags that name plugins, without the names that only warn."""
    kept: dict[str, Any] = {
        flag: tuple(name for name in options[flag] if name in installed.admission)
        for flag in ("enable-admission-plugins", "disable-admission-plugins", "admission-control")
    }
    modes = tuple(mode for mode in options["authorization-mode"] if mode in installed.authorizers)
    return kept | {"authorization-mode": modes}
