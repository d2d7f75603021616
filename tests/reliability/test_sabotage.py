"""A server that is broken on purpose is found out: the tests here would fail if there were something to find."""

from pathlib import Path

import pytest

from kapi.testing.deployments import deployed
from kapi.testing.histories import Violation
from kapi.testing.load import Load, WatchClient

WRONG = {
    "stale": "no order of these operations|is stale",
    "overwrites": "no order of these operations",
    "forgets": "an acknowledged write is lost|one revision for two writes",
    "leaves out": "reliable|an acknowledged write is lost",
    "repeats": "unique|out of order",
}


pytestmark = pytest.mark.soak


def run(sabotage, monkeypatch):
    """Work on a server that is broken, and check what came of it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent / "sabotage"))
    monkeypatch.setenv("KAPI_TEST_SABOTAGE", sabotage)
    with deployed("sqlite", workers=2) as deployment:
        load = Load(deployment.servers)
        watches = [WatchClient(deployment.server, after=load.begin) for _ in range(2)]
        load.start()
        load.wait(500)
        end = load.finish()
        history = load.check(deployment.server)
        for watch in watches:
            watch.check(history, end)


@pytest.mark.parametrize("sabotage", WRONG)
def test_what_is_broken_is_found(sabotage, monkeypatch):
    with pytest.raises(Violation, match=WRONG[sabotage]):
        run(sabotage, monkeypatch)


def test_what_is_only_slow_is_not_broken(monkeypatch):
    """Reads wait for what others have written, as when a store tells of it late."""
    run("slow", monkeypatch)
