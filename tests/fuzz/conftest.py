"""A server to torment."""

from collections.abc import Iterator

import pytest
from wire import Wire

from kapi.testing.server import ServerProcess


@pytest.fixture(scope="module")
def victim() -> Iterator[ServerProcess]:
    """A server that must still be well, and have had no accident, when all is over."""
    with ServerProcess("--storage-backend=memory", "--controllers=") as server:
        yield server
        assert server.request("GET", "/readyz").body == b"ok"
        assert server.request("GET", "/api/v1/namespaces/default").status == 200
        assert server.stop() == 0
        said = server.log.read_text(errors="replace")
        assert "Traceback" not in said, said[-5000:]


@pytest.fixture(scope="module")
def wire(victim) -> Iterator[Wire]:
    made = Wire(victim)
    yield made
    made.close()
