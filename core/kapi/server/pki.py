"""The keys and certificates that kapi makes for itself: on first start, and again before they expire.

All live in one folder (mode 0700, files 0600). ``inventory.json`` beside them records what each file is, so that a
start that finds everything in order need not parse a certificate, which would cost the import of ``cryptography``.
"""

import hashlib
import json
import re
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kapi.config.completed import CompletedConfig
from kapi.server.files import locked, private_folder, write_atomically
from kapi.server.kubeconfig import Credentials, kubeconfig

if TYPE_CHECKING:
    from kapi.server.certificates import PemPair

    _Recipe = Callable[[PemPair, float], PemPair]
    """Makes a certificate that an authority signs, at a time."""

ADMIN = "kubernetes-admin"
ADMIN_GROUPS = ("system:masters",)

_AUTHORITY_LIFETIME = timedelta(days=3650)
_LEAF_LIFETIME = timedelta(days=365)
_RENEW_BEFORE = timedelta(days=30).total_seconds()
_NEVER = 2**53
_HOST_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")


class PkiError(Exception):
    """A key or certificate cannot be made or used; the message is one line."""


def ensure(config: CompletedConfig, now: float | None = None) -> None:
    """Make the keys and certificates that ``config`` leaves to kapi, unless good ones are there.

    Safe when several processes start at once. Raises PkiError, or OSError for a folder that cannot be written.
    """
    private_folder(config.data_dir)
    private_folder(config.pki_dir)
    with locked(config.pki_dir / ".lock"):
        _Folder(config.pki_dir, time.time() if now is None else now).ensure(config)


def serving_names(config: CompletedConfig) -> tuple[str, ...]:
    """Return the host names and addresses that the generated serving certificate is made out to."""
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    names += ["localhost", socket.gethostname().lower(), config.external_host.lower()]
    hosts = [name for name in names if len(name) <= 253 and _HOST_NAME.fullmatch(name)]
    addresses = ["127.0.0.1", "::1", config.kubernetes_service_ip, config.advertise_address]
    if config.bind_address not in ("0.0.0.0", "::"):
        addresses.append(config.bind_address)
    return tuple(dict.fromkeys((*hosts, *addresses)))


def admin_credentials(config: CompletedConfig, server: str) -> Credentials | None:
    """Return the administrator's credentials, or None when the client CA is not kapi's own."""
    if not config.generated.client_ca:
        return None
    pki = config.pki_dir
    certificate, key = (pki / "admin.crt").read_bytes(), (pki / "admin.key").read_bytes()
    return Credentials(server, trusted_authority(config), ADMIN, certificate, key)


def user_credentials(
    config: CompletedConfig, server: str, user: str, groups: Sequence[str], lifetime: timedelta
) -> Credentials:
    """Return new credentials for a user, signed by the generated client CA. Raises PkiError when there is none."""
    from kapi.server import certificates

    if not config.generated.client_ca:
        raise PkiError("--client-ca-file names an authority that kapi has no key of: it cannot sign for users")
    authority = _Folder(config.pki_dir, time.time()).read("client-ca")
    if authority is None:
        raise PkiError(f"{config.pki_dir} has no client CA yet: start kapi serve once with this --data-dir")
    pair = certificates.new_client(authority, user, groups, certificates.utc(time.time()), lifetime)
    return Credentials(server, trusted_authority(config), user, pair.certificate, pair.key)


def trusted_authority(config: CompletedConfig) -> bytes:
    """Return what clients must trust (PEM): the generated CA, or the serving certificate that was given."""
    if config.generated.serving:
        return (config.pki_dir / "ca.crt").read_bytes()
    return config.serving_certificate.certificate.read_bytes()


def write_admin_kubeconfig(config: CompletedConfig, server: str) -> Path | None:
    """Write the admin kubeconfig (mode 0600) if it is not there as it should be; return its path, or None."""
    credentials = admin_credentials(config, server)
    if credentials is None:
        return None
    path, text = config.admin_kubeconfig, kubeconfig(credentials)
    if not (path.is_file() and path.read_bytes() == text):
        write_atomically(path, text)
    return path


@dataclass(frozen=True, slots=True)
class _Record:
    """What the inventory says about a pair of files."""

    digest: str
    not_after: int
    names: tuple[str, ...]
    signer: str


@dataclass(slots=True)
class _Folder:
    """The folder of keys and certificates at a moment in time."""

    path: Path
    now: float
    records: dict[str, _Record] = field(default_factory=dict)
    changed: bool = False

    def ensure(self, config: CompletedConfig) -> None:
        """Bring every file that is kapi's to make into order."""
        self.records = _read_inventory(self.path / "inventory.json")
        if config.generated.serving:
            self._authority("ca", "kapi-ca")
            names = serving_names(config)
            self._leaf("apiserver", "ca", names, _serving(names))
        if config.generated.client_ca:
            self._authority("client-ca", "kapi-client-ca")
            self._leaf("admin", "client-ca", (), _admin)
        if config.generated.service_account_key:
            self._signing_key()
        if self.changed:
            self._write_inventory()

    def read(self, name: str) -> "PemPair | None":
        """Return the files NAME.crt and NAME.key, or None when one is missing."""
        from kapi.server.certificates import PemPair

        content = self._content(name)
        return PemPair(*content) if content else None

    def _content(self, name: str, public: str = ".crt") -> tuple[bytes, bytes] | None:
        try:
            return (self.path / f"{name}{public}").read_bytes(), (self.path / f"{name}.key").read_bytes()
        except FileNotFoundError:
            return None

    def _in_order(self, name: str, names: Sequence[str], signer: str, public: str = ".crt") -> bool:
        """Tell, without parsing it, whether a pair is there, unchanged, made out to ``names`` and not about to end."""
        record, content = self.records.get(name), self._content(name, public)
        return (
            record is not None
            and content is not None
            and record.digest == _digest(*content)
            and record.signer == signer
            and record.not_after > self.now + _RENEW_BEFORE
            and set(names) <= set(record.names)
        )

    def _authority(self, name: str, common_name: str) -> None:
        if self._in_order(name, (), ""):
            return
        pair = self.read(name)
        if pair is not None:
            self._adopt(name, pair, "")
            if self._in_order(name, (), ""):
                return
        elif (self.path / f"{name}.crt").exists():
            raise PkiError(
                f"{self.path / name}.key is missing: restore it, or remove {name}.crt to get a new authority"
            )
        self._store(name, _authority(common_name, self.now), "")

    def _leaf(self, name: str, authority: str, names: Sequence[str], create: "_Recipe") -> None:
        signer = self.records[authority].digest
        if self._in_order(name, names, signer):
            return
        signing = self.read(authority)
        if signing is None:
            raise PkiError(f"{self.path / authority}.key is missing: {name}.crt cannot be renewed")
        self._store(name, create(signing, self.now), signer)

    def _signing_key(self) -> None:
        if self._in_order("sa", (), "", ".pub"):
            return
        content = self._content("sa", ".pub")
        if content is None and (self.path / "sa.key").exists():
            raise PkiError(f"{self.path}/sa.pub is missing: restore it, or remove sa.key to get a new pair")
        if content is None:
            content = _token_keys()
            write_atomically(self.path / "sa.pub", content[0])
            write_atomically(self.path / "sa.key", content[1])
        self._record("sa", _Record(_digest(*content), _NEVER, (), ""))

    def _adopt(self, name: str, pair: "PemPair", signer: str) -> None:
        """Record a pair that the inventory does not know, as when somebody put it there."""
        from kapi.server.certificates import read_pair

        try:
            facts = read_pair(pair)
        except ValueError as ex:
            raise PkiError(
                f"{self.path / name}.crt cannot be used ({ex}): restore it, or remove it and its key"
            ) from ex
        self._record(name, _Record(_digest(*pair), facts.not_after, facts.names, signer))

    def _store(self, name: str, pair: "PemPair", signer: str) -> None:
        write_atomically(self.path / f"{name}.key", pair.key)
        write_atomically(self.path / f"{name}.crt", pair.certificate)
        self._adopt(name, pair, signer)

    def _record(self, name: str, record: _Record) -> None:
        self.records[name] = record
        self.changed = True

    def _write_inventory(self) -> None:
        entries = {
            name: {"digest": r.digest, "notAfter": r.not_after, "names": r.names, "signer": r.signer}
            for name, r in self.records.items()
        }
        write_atomically(self.path / "inventory.json", json.dumps(entries, indent=1).encode())


def _read_inventory(path: Path) -> dict[str, _Record]:
    """Return the records; none when the file is missing or not what kapi wrote, which costs only time."""
    try:
        entries = json.loads(path.read_bytes())
        return {
            name: _Record(entry["digest"], entry["notAfter"], tuple(entry["names"]), entry["signer"])
            for name, entry in entries.items()
        }
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(public: bytes, private: bytes) -> str:
    return hashlib.sha256(public + b"\0" + private).hexdigest()


def _serving(names: Sequence[str]) -> "_Recipe":
    def create(authority: "PemPair", now: float) -> "PemPair":
        from kapi.server import certificates

        return certificates.new_serving(authority, names, certificates.utc(now), _LEAF_LIFETIME)

    return create


def _admin(authority: "PemPair", now: float) -> "PemPair":
    from kapi.server import certificates

    return certificates.new_client(authority, ADMIN, ADMIN_GROUPS, certificates.utc(now), _LEAF_LIFETIME)


def _authority(name: str, now: float) -> "PemPair":
    from kapi.server import certificates

    return certificates.new_authority(name, certificates.utc(now), _AUTHORITY_LIFETIME)


def _token_keys() -> "PemPair":
    from kapi.server.certificates import new_key_pair

    return new_key_pair()
