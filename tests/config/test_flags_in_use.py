"""A flag does what it says or is marked: no flag is silently without effect, and none warns without need."""

from pathlib import Path

from kapi.config import flags
from kapi.server.contributions import load

ROOT = Path(__file__).parents[2]
ONLY_CHECKED = {"storage-media-type"}
"""Flags whose only effect is that other values are refused."""


def sources() -> str:
    declared = {"kubeflags.py", "flags.py"}
    paths = [path for folder in ("core", "plugins") for path in (ROOT / folder).rglob("*.py")]
    return "\n".join(path.read_text() for path in paths if path.name not in declared)


def test_flags_are_read_or_marked():
    text = sources()
    live = [option for option in load().flag_table().values() if option.name not in flags._GONE]
    read = {option.name for option in live if f'"{option.name}"' in text} | ONLY_CHECKED
    assert {option.name for option in live if option.planned} & read == set()
    of_the_core = {name for name, option in flags.core_table().items() if not option.planned}
    assert {option.name for option in live if option.name in of_the_core} - read == set()
