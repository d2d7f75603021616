"""The etcd3 backend keeps the contract, on a real etcd."""

from pathlib import Path

import pytest
from etcd3_gateway import wipe
from test_etcd3_parts import Certificates

from kapi.testing.etcd import EtcdServer
from kapi.testing.storage import StorageConformance
from kapi_storage.etcd3_backend import Etcd3Backend, Etcd3Settings
from kapi_storage.etcd3_servers import parse_server

LARGE_VALUES = f"--max-request-bytes={4 << 20}"
OLDER_REVISIONS = 20
"""The random histories look that far back, into what a shared server has from tests before and may have compacted."""


@pytest.fixture(scope="module")
def etcd():
    with EtcdServer(LARGE_VALUES) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    files = Certificates(tmp_path_factory.mktemp("etcd-certificates")).files
    with EtcdServer(LARGE_VALUES, tls=files) as server:
        yield server


class TestEtcd3Backend(StorageConformance):
    durable = True
    expiry_seconds = 5.0
    progress_seconds = 3.0
    model_examples = 10

    @pytest.fixture(autouse=True)
    def _server(self, etcd):
        self.etcd = etcd

    def make_backend(self, tmp_path: Path) -> Etcd3Backend:
        """Children of the test have no fixtures, but the folder."""
        seen = tmp_path / "etcd-url"
        if not seen.exists():
            wipe(self.etcd, OLDER_REVISIONS)
            seen.write_text(self.etcd.url)
        return Etcd3Backend(Etcd3Settings(servers=(parse_server(seen.read_text()),)))


@pytest.mark.soak
class TestEtcd3BackendWithTLS(StorageConformance):
    durable = True
    spawns = False
    expiry_seconds = 5.0
    progress_seconds = 3.0

    @pytest.fixture(autouse=True)
    def _server(self, guarded):
        self.etcd = guarded

    def make_backend(self, tmp_path: Path) -> Etcd3Backend:
        """Empty for each new folder."""
        seen = tmp_path / "seen"
        if not seen.exists():
            wipe(self.etcd, OLDER_REVISIONS)
            seen.touch()
        authority, certificate, key = self.etcd.tls
        settings = Etcd3Settings((parse_server(self.etcd.url),), authority, certificate, key)
        return Etcd3Backend(settings)
