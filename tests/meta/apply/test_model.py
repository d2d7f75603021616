"""Field ownership of a map against a model: who owns which key after any sequence of applies and updates."""

from dataclasses import dataclass, field

import pytest
from apply_kinds import applied, config, entries, tracked
from hypothesis import given, settings
from hypothesis import strategies as st

from kapi.meta.apply.fieldset import members
from kapi.meta.errors import StatusError

Owner = tuple[str, str]
DATA = ("f:data",)
"""The path of the map itself, which whoever brings it by an update owns too."""


def path(key: str) -> tuple[str, ...]:
    return (*DATA, f"f:{key}")


@dataclass
class Model:
    """The values of a map, and sets of paths by owner."""

    data: dict[str, str] = field(default_factory=dict)
    owners: dict[Owner, set[tuple[str, ...]]] = field(default_factory=dict)

    def apply(self, manager: str, wanted: dict[str, str], force: bool) -> bool:
        """Apply; tells whether it went through."""
        me, before = (manager, "Apply"), dict(self.data)
        others = {owner: set(paths) for owner, paths in self.owners.items() if owner != me}
        if not self.owners and self.data:
            others[("before-first-apply", "Update")] = {DATA, *map(path, self.data)}
        merged = {**before, **wanted}
        for key in [key for key in merged if path(key) in self.owners.get(me, ()) and key not in wanted]:
            if not any(path(key) in paths for paths in others.values()):
                del merged[key]
        changed = self._changed(before, merged)
        if not force and any(paths & changed for paths in others.values()):
            return False
        gone = {path(key) for key in before.keys() - merged.keys()}
        self.owners = {owner: paths - changed - gone for owner, paths in others.items()}
        self.owners[me] = {path(key) for key in wanted}
        self._settle(merged)
        return True

    def update(self, manager: str, new: dict[str, str]) -> None:
        """Replace the map."""
        before = dict(self.data)
        if self.owners:
            changed = self._changed(before, new)
            gone = {path(key) for key in before.keys() - new.keys()} | ({DATA} if before and not new else set())
            self.owners = {owner: paths - changed - gone for owner, paths in self.owners.items()}
            self.owners.setdefault((manager, "Update"), set()).update(changed)
        self._settle(new)

    @staticmethod
    def _changed(before: dict[str, str], after: dict[str, str]) -> set[tuple[str, ...]]:
        changed = {path(key) for key, value in after.items() if before.get(key) != value}
        return changed | ({DATA} if after and not before else set())

    def _settle(self, data: dict[str, str]) -> None:
        self.data = data
        self.owners = {owner: paths for owner, paths in self.owners.items() if paths}


MANAGERS = st.sampled_from(["m", "n", "o"])
MAPS = st.dictionaries(st.sampled_from("abc"), st.sampled_from("xy"), max_size=3)
STEP = st.tuples(st.sampled_from(["apply", "force", "update"]), MANAGERS, MAPS)
STEPS = st.lists(STEP, min_size=1, max_size=8)


def settled(obj: dict) -> dict:
    """Return an object in normal form."""
    return {key: value for key, value in obj.items() if value or key != "data"}


def check(steps):
    model, live = Model(), settled(applied(None, config({"a": "x"}, uid="u"), "m"))
    assert model.apply("m", {"a": "x"}, False)
    for number, (kind, manager, data) in enumerate(steps):
        now = f"2026-01-01T00:00:{number:02}Z"
        wanted = settled(config(data))
        if kind == "update":
            model.update(manager, data)
            live = tracked(live, {**wanted, "metadata": {**live["metadata"]}}, manager, now=now)
        else:
            before = live
            try:
                live = settled(applied(live, wanted, manager, force=kind == "force", now=now))
            except StatusError as error:
                assert error.code == 409  # noqa: PT017 - the model says whether it had to be
                live = before
            assert model.apply(manager, data, kind == "force") is (live is not before)
        assert live.get("data", {}) == model.data
        found = {(e["manager"], e["operation"]): set(members(e["fieldsV1"])) for e in entries(live)}
        assert found == model.owners


@given(STEPS)
def test_ownership_is_as_in_the_model(steps):
    check(steps)


@pytest.mark.soak
@settings(max_examples=2000)
@given(st.lists(STEP, min_size=1, max_size=20))
def test_ownership_stays_as_in_the_model(steps):
    check(steps)
