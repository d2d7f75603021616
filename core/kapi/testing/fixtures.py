"""A server as a pytest fixture. In a ``conftest.py``::

    pytest_plugins = ["kapi.testing.fixtures"]

``kapi_server`` is then one server for the whole run: ``kapi_server.url``, ``.kubeconfig``, ``.token``, ``.authority``
and what else :class:`kapi.testing.server.LocalServer` has. Override ``kapi_server_flags`` and ``kapi_server_users`` to
start it with flags of ``kapi serve`` and with further users::

    @pytest.fixture(scope="session")
    def kapi_server_flags():
        return ["--storage-backend=memory", "--authorization-mode=AlwaysAllow"]
"""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from kapi.testing.server import LocalServer, ServerProcess


@pytest.fixture(scope="session")
def kapi_server_flags() -> Sequence[str]:
    """Return the flags of ``kapi serve`` that :func:`kapi_server` starts with; override it."""
    return ()


@pytest.fixture(scope="session")
def kapi_server_users() -> Mapping[str, Sequence[str]]:
    """Return names and groups of users that shall have tokens in :func:`kapi_server`; override it."""
    return {}


@pytest.fixture(scope="session")
def kapi_server(
    kapi_server_flags: Sequence[str], kapi_server_users: Mapping[str, Sequence[str]]
) -> Iterator[LocalServer]:
    """Start a server in a process of its own, with a temporary data folder; it is stopped and removed at the end."""
    with ServerProcess(*kapi_server_flags, users=kapi_server_users) as server:
        yield server
