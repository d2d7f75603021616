"""One server for all tests here, and a new namespace for each that asks for one."""

from collections.abc import Callable
from itertools import count

import pytest
from kubectl_runner import Kubectl

from kapi.testing.server import LocalServer


@pytest.fixture(scope="session")
def kapi_server_users():
    return {"jane": ["dev"]}


@pytest.fixture(scope="session")
def server(kapi_server) -> LocalServer:
    return kapi_server


_numbers = count(1)


def new_namespace(server: LocalServer) -> str:
    """Create a namespace with a name of its own."""
    name = f"test-{next(_numbers)}"
    made = server.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert made.status == 201, made.body
    return name


@pytest.fixture
def namespace(server) -> str:
    return new_namespace(server)


@pytest.fixture(scope="session")
def kubectl_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("kubectl-cache")


@pytest.fixture
def kubectl(server, namespace, kubectl_cache) -> Kubectl:
    return Kubectl(server, kubectl_cache, namespace)


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until something that a controller does has happened, and no event tells of."""
    from time import monotonic, sleep

    def wait(done: Callable[[], bool], seconds: float = 15.0) -> None:
        end = monotonic() + seconds
        while not done():
            assert monotonic() < end, "it has not happened"
            sleep(0.02)

    return wait
