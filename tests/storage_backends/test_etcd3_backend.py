"""The etcd3 backend keeps the contract, on a real etcd."""

from http.client import HTTPConnection
from pathlib import Path

import pytest

from kapi.testing.etcd import EtcdServer
from kapi.testing.storage import StorageConformance
from kapi_storage.etcd3_backend import Etcd3Backend, Etcd3Settings
from kapi_storage.etcd3_servers import parse_server

OLDER_REVISIONS = 20
"""The random histories look that far back, into what a shared server has from tests before and may have compacted."""

LARGE_VALUES = f"--max-request-bytes={4 << 20}"
EVERYTHING = '{"key": "AA==", "range_end": "AA=="}'
ANYTHING = '{"key": "eA==", "value": ""}'


@pytest.fixture(scope="module")
def etcd():
    with EtcdServer(LARGE_VALUES) as server:
        yield server


def wipe(server: EtcdServer) -> None:
    """Remove everything, and put some revisions between this test and those before."""
    connection = HTTPConnection("127.0.0.1", server.port)
    puts = [("put", ANYTHING)] * OLDER_REVISIONS
    for path, body in (("deleterange", EVERYTHING), *puts, ("deleterange", EVERYTHING)):
        connection.request("POST", f"/v3/kv/{path}", body)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
    connection.close()


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
            wipe(self.etcd)
            seen.write_text(self.etcd.url)
        return Etcd3Backend(Etcd3Settings(servers=(parse_server(seen.read_text()),)))
