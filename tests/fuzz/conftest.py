"""A server to torment, and hypothesis settings that keep the time of a run in bounds.

``KAPI_FUZZ=20`` looks twenty times as hard, at other examples each time.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from wire import Wire

from kapi.testing.server import ServerProcess

EFFORT = int(os.environ.get("KAPI_FUZZ", "0"))


def bounded(examples: int) -> settings:
    """Settings of a test that takes a request or a few per example."""
    return settings(
        max_examples=examples * max(EFFORT, 1), derandomize=EFFORT == 0, deadline=None, database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    )  # fmt: skip


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
