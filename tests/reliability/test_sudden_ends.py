"""SIGKILL and SIGSTOP under load: what was acknowledged is there, histories can be explained, watches miss nothing."""

import os
import signal
import time

import pytest
from server_processes import alive, eventually, kill_all, owner, paused, workers

from kapi.testing.deployments import deployed
from kapi.testing.load import Load, WatchClient

soak = pytest.mark.soak
KILLED = [
    pytest.param("sqlite", 2, 2, id="sqlite-workers"),
    pytest.param("etcd3", 1, 1, id="etcd3"),
    pytest.param("sqlite", 1, 20, id="sqlite-long", marks=soak),
    pytest.param("sqlite", 2, 20, id="sqlite-workers-long", marks=soak),
    pytest.param("etcd3", 1, 20, id="etcd3-long", marks=soak),
    pytest.param("etcd3", 2, 20, id="etcd3-workers-long", marks=soak),
]


def watch_all(deployment, load, number=2) -> list[WatchClient]:
    return [WatchClient(*deployment.servers, after=load.begin, half=str(n % 2 or "")) for n in range(number)]


def finish(load, deployment, watches):
    end = load.finish()
    history = load.check(deployment.server)
    for watch in watches:
        watch.check(history, end)


@pytest.mark.parametrize(("backend", "number", "rounds"), KILLED)
def test_the_server_is_killed_under_load(backend, number, rounds):
    with deployed(backend, workers=number) as deployment:
        load = Load(deployment.servers)
        watches = watch_all(deployment, load)
        load.start()
        for _ in range(rounds):
            load.wait(60)
            kill_all(deployment.server)
            deployment.server.start()
        load.wait(60)
        finish(load, deployment, watches)
        assert "Traceback" not in deployment.server.log.read_text()


@pytest.mark.parametrize(
    ("backend", "rounds"),
    [
        pytest.param("sqlite", 2, id="sqlite"),
        pytest.param("sqlite", 20, id="sqlite-long", marks=soak),
        pytest.param("etcd3", 20, id="etcd3-long", marks=soak),
    ],
)
def test_a_worker_is_killed_under_load(backend, rounds):
    with deployed(backend, workers=2) as deployment:
        server = deployment.server
        load = Load(deployment.servers)
        watches = watch_all(deployment, load, 6)
        load.start()
        for number in range(rounds):
            load.wait(50)
            killed, other = workers(server)[:: 1 if number % 2 else -1]
            spared = [watch for watch in watches if owner(server, watch.port) == other]
            connections = [watch.connections for watch in spared]
            os.kill(killed, signal.SIGKILL)
            eventually(lambda gone=killed: len(set(workers(server)) - {gone}) == 2)
            load.wait(50)
            assert [watch.connections for watch in spared] == connections
        finish(load, deployment, watches)


def test_workers_end_with_their_arbiter():
    with deployed("sqlite", workers=2) as deployment:
        server = deployment.server
        children = workers(server)
        assert len(children) == 2
        server.kill()
        eventually(lambda: not any(alive(pid) for pid in children))
        server.start()
        assert server.request("GET", "/readyz").status == 200


@pytest.mark.parametrize(
    ("backend", "seconds"),
    [
        pytest.param("sqlite", 1.0, id="sqlite"),
        pytest.param("etcd3", 2.0, id="etcd3", marks=soak),
        pytest.param("sqlite", 40.0, id="sqlite-long", marks=soak),
        pytest.param("etcd3", 40.0, id="etcd3-long", marks=soak),
    ],
)
def test_a_worker_is_frozen_under_load(backend, seconds):
    """The arbiter replaces it after 30 s; one that wakes up earlier does not answer from what it knew before."""
    with deployed(backend, workers=2) as deployment:
        load = Load(deployment.servers)
        watches = watch_all(deployment, load, 4)
        load.start()
        load.wait(50)
        frozen = workers(deployment.server)[0]
        with paused(frozen):
            time.sleep(seconds)
        assert alive(frozen) == (seconds < 30)
        load.wait(60)
        finish(load, deployment, watches)


@soak
@pytest.mark.parametrize("seconds", [1.0, 60.0])
def test_a_frozen_arbiter_keeps_nobody_from_work(seconds):
    with deployed("sqlite", workers=2) as deployment:
        load = Load(deployment.servers)
        watches = watch_all(deployment, load)
        load.start()
        with paused(deployment.server.process.pid):
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                load.wait(50)
        before = workers(deployment.server)
        load.wait(50)
        assert workers(deployment.server) == before
        finish(load, deployment, watches)
        assert deployment.server.stop() == 0
