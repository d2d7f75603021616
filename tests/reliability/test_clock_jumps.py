"""The wall clock jumps by an hour, forth and back, under load: it decides about nothing but times that people read.

What the server itself must not take from the wall clock: the order of changes, ends of waits and watches, deadlines,
who leads. Keys with a time to live (events, the leader's key) may go earlier or later.
"""

from pathlib import Path

import pytest
from server_processes import eventually, workers

from kapi.testing.deployments import deployed
from kapi.testing.load import Client, Load, WatchClient

FOLDER = Path(__file__).parent / "jumping_clock"
HOUR = 3600


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """A file with the seconds by which the servers' clocks are wrong."""
    file = tmp_path / "clock"
    file.write_text("0")
    monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    monkeypatch.setenv("KAPI_TEST_CLOCK", str(file))
    return file


def jump(clock: Path, seconds: float) -> None:
    new = clock.with_suffix(".new")
    new.write_text(str(seconds))
    new.rename(clock)


@pytest.mark.parametrize(
    ("backend", "jumps"),
    [
        pytest.param("sqlite", [HOUR, -HOUR, 0], id="sqlite"),
        pytest.param("sqlite", [HOUR, 0, -HOUR, 0] * 10, id="sqlite-long", marks=pytest.mark.soak),
        pytest.param("etcd3", [HOUR, 0, -HOUR, 0] * 10, id="etcd3-long", marks=pytest.mark.soak),
    ],
)
def test_the_clock_jumps_under_load(clock, backend, jumps):
    with deployed(backend, workers=2) as deployment:
        before = workers(deployment.server)
        load = Load(deployment.servers)
        watches = [WatchClient(deployment.server, after=load.begin, half=half) for half in ("", "1")]
        load.start()
        for seconds in jumps:
            load.wait(50)
            jump(clock, seconds)
        load.wait(50)
        end = load.finish()
        history = load.check(deployment.server)
        for watch in watches:
            watch.check(history, end)
            assert watch.connections == 1
        assert workers(deployment.server) == before


@pytest.mark.soak
def test_the_jump_is_real_and_controllers_go_on(clock):
    with deployed("sqlite", workers=2) as deployment:
        client = Client(deployment.server)
        for number, seconds in enumerate((HOUR, -HOUR, HOUR)):
            jump(clock, seconds)
            name = f"n{number}"
            made = client.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}}).body
            created = made["metadata"]["creationTimestamp"]
            account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
            eventually(lambda path=account: client.request("GET", path).status == 200, 25)
            other = client.request("GET", "/api/v1/namespaces/default").body["metadata"]["creationTimestamp"]
            assert (created > other) == (seconds > 0)
