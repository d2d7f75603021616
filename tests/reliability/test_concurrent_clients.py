"""Many clients at once, on every backend, over several workers and servers: what they saw can be explained."""

import pytest

from kapi.testing.deployments import deployed
from kapi.testing.load import Load, WatchClient

DEPLOYMENTS = [
    pytest.param("sqlite", 1, 2, 200, id="sqlite-workers"),
    pytest.param("etcd3", 2, 1, 200, id="etcd3-servers"),
    pytest.param("sqlite", 1, 2, 10_000, id="sqlite-workers-long", marks=pytest.mark.soak),
    pytest.param("sqlite", 2, 1, 10_000, id="sqlite-servers-long", marks=pytest.mark.soak),
    pytest.param("sqlite", 2, 2, 10_000, id="sqlite-both-long", marks=pytest.mark.soak),
    pytest.param("etcd3", 2, 2, 10_000, id="etcd3-servers-long", marks=pytest.mark.soak),
]


@pytest.mark.parametrize(("backend", "processes", "workers", "writes"), DEPLOYMENTS)
def test_what_clients_see_can_be_explained(backend, processes, workers, writes):
    with deployed(backend, processes=processes, workers=workers) as deployment:
        load = Load(deployment.servers)
        watches = [
            WatchClient(server, after=load.begin, half=half) for server in deployment.servers for half in ("", "1")
        ]
        load.start()
        for _ in range(5):
            load.wait(writes // 5)
            watches += [WatchClient(server, after=load.lists[-1].revision) for server in deployment.servers]
        end = load.finish()
        history = load.check(deployment.server)
        for watch in watches:
            watch.check(history, end)
