"""Servers are stopped in order and started again under load: whoever is being answered gets the answer."""

import signal

import pytest
from server_processes import eventually, workers

from kapi.testing.deployments import deployed
from kapi.testing.load import Load, WatchClient

soak = pytest.mark.soak


def run(deployment, restart, rounds) -> Load:
    """Restart so many times under load, and check all; returns the load."""
    load = Load(deployment.servers)
    watches = [WatchClient(*deployment.servers, after=load.begin, half=half) for half in ("", "1")]
    load.start()
    for number in range(rounds):
        load.wait(100)
        restart(number)
    load.wait(100)
    end = load.finish()
    history = load.check(deployment.server)
    for watch in watches:
        watch.check(history, end)
    return load


@soak
@pytest.mark.parametrize("rounds", [20])
def test_one_server_after_the_other_is_restarted(rounds):
    """A rolling restart. A request that is sent while its connection is closed has no answer, as with any server."""
    with deployed("sqlite", processes=2) as deployment:

        def restart(number):
            server = deployment.servers[number % 2]
            assert server.stop() == 0
            server.start()

        load = run(deployment, restart, rounds)
        unknown = [operation for operation in load.operations if operation.outcome == "unknown"]
        print(f"{len(unknown)} of {len(load.operations)} operations without an answer")
        assert len(unknown) <= 2 * rounds


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=soak)])
def test_workers_are_replaced_on_sighup(rounds):
    with deployed("sqlite", workers=2) as deployment:

        def renew(_number):
            before = set(workers(deployment.server))
            deployment.server.process.send_signal(signal.SIGHUP)
            eventually(lambda: len(workers(deployment.server)) == 2 and not before & set(workers(deployment.server)))

        run(deployment, renew, rounds)
