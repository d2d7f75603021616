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


@pytest.fixture(scope="session")
def new_namespace(server) -> Callable[[], str]:
    """Creates a namespace with a name of its own."""
    numbers = count(1)

    def create() -> str:
        name = f"test-{next(numbers)}"
        made = server.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        assert made.status == 201, made.body
        return name

    return create


@pytest.fixture
def namespace(new_namespace) -> str:
    return new_namespace()


@pytest.fixture(scope="session")
def kubectl_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("kubectl-cache")


@pytest.fixture
def kubectl(server, namespace, kubectl_cache) -> Kubectl:
    return Kubectl(server, kubectl_cache, namespace)
