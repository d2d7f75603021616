"""The example's storage backend under the suite that kapi ships for authors of backends."""

import importlib.util
import sys
from pathlib import Path

from kapi.contracts.storage import StorageBackend
from kapi.testing.storage import StorageConformance

SOURCE = Path(__file__).parents[2] / "examples" / "kapi-greetings" / "kapi_greetings" / "journal.py"


def load_journal():
    spec = importlib.util.spec_from_file_location("example_journal", SOURCE)
    module = importlib.util.module_from_spec(spec)
    sys.modules["example_journal"] = module
    spec.loader.exec_module(module)
    return module


JournalBackend = load_journal().JournalBackend


class TestJournal(StorageConformance):
    durable = True
    model_examples = 10

    def make_backend(self, tmp_path: Path) -> StorageBackend:
        return JournalBackend(tmp_path / "journal.jsonl")
