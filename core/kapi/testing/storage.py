"""The conformance suite for storage backends.

A backend's author subclasses :class:`StorageConformance` in a test module and says how to make a backend::

    from kapi.testing.storage import StorageConformance

    class TestMyBackend(StorageConformance):
        durable = True

        def make_backend(self, tmp_path):
            return MyBackend(tmp_path / "data")

pytest and hypothesis are needed, a running server is not.
"""

import itertools
from pathlib import Path

from kapi.contracts.storage import StorageBackend
from kapi.testing.storage_lifecycle import LifecycleScenarios
from kapi.testing.storage_model import check_against_model
from kapi.testing.storage_peers import PeerScenarios
from kapi.testing.storage_reads import ReadScenarios
from kapi.testing.storage_watches import WatchScenarios
from kapi.testing.storage_writes import WriteScenarios


class StorageConformance(WriteScenarios, ReadScenarios, WatchScenarios, LifecycleScenarios, PeerScenarios):
    """All that the contract of :class:`~kapi.contracts.storage.StorageBackend` promises.

    ``model_examples`` random histories of up to ``model_steps`` steps are compared with a model.
    """

    model_examples = 30
    model_steps = 30

    def test_random_histories(self, tmp_path: Path) -> None:
        """The backend does what a simple list of changes would do."""
        numbers = itertools.count()

        def make() -> StorageBackend:
            folder = tmp_path / f"history-{next(numbers)}"
            folder.mkdir()
            return self.make_backend(folder)

        check_against_model(make, examples=self.model_examples, steps=self.model_steps)
