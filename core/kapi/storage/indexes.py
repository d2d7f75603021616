"""Indexes of a watch cache: which entries have a certain value of a label or of a selectable field.

An index is made when the same label or field is asked for a second time, so that clients need not say what they will
ask for (kube-apiserver has an index for ``spec.nodeName`` of pods only). It is filled a little at a time beside other
work, follows all changes, and is dropped when nobody asks any more.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from kapi.storage.entry import Entry
from kapi.storage.ordered import OrderedEntries
from kapi.storage.turns import Turns

MOST_INDEXES = 4
FROM_ENTRIES = 500
"""Fewer entries than that are looked through as fast."""
MOST_VALUES = 16_384
"""With more different values than that an index takes up too much, and is given up."""
IDLE_SECONDS = 600.0
REMEMBERED = 64
"""How many labels and fields that were asked for once are remembered."""


class Term(NamedTuple):
    """What each selected entry has: the value of a label, or else of a field."""

    label: bool
    name: str
    value: str


class _Index:
    """Entries by value; complete once ``filled``, and never if ``given_up``."""

    __slots__ = ("filled", "given_up", "label", "name", "used", "values")

    def __init__(self, label: bool, name: str) -> None:
        self.label = label
        self.name = name
        self.values: dict[str, OrderedEntries] = {}
        self.filled = self.given_up = False
        self.used = time.monotonic()

    def value(self, entry: Entry) -> str | None:
        """Return an entry's value, None if it has none."""
        return entry.labels.get(self.name) if self.label else entry.field(self.name)

    def put(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of the one with its key and value."""
        value = self.value(entry)
        if value is None:
            return
        found = self.values.get(value)
        if found is None:
            if len(self.values) >= MOST_VALUES:
                self.give_up()
                return
            found = self.values[value] = OrderedEntries()
        found.put(entry)

    def remove(self, entry: Entry) -> None:
        """Remove an entry, if it is there."""
        value = self.value(entry)
        found = None if value is None else self.values.get(value)
        if found is not None and value is not None:
            found.remove(entry.key)
            if not len(found):
                del self.values[value]

    def give_up(self) -> None:
        """Stay empty from now on."""
        self.filled, self.given_up = False, True
        self.values.clear()

    def change(self, previous: Entry | None, entry: Entry | None) -> None:
        """Follow a change."""
        if self.given_up:
            return
        if previous is not None and (entry is None or self.value(previous) != self.value(entry)):
            self.remove(previous)
        if entry is not None:
            self.put(entry)


class Indexes:
    """The indexes of one cache, by label or field."""

    def __init__(self) -> None:
        """Begin with none."""
        self._indexes: dict[tuple[bool, str], _Index] = {}
        self._asked: dict[tuple[bool, str], None] = {}
        self._filling: set[asyncio.Task[None]] = set()

    def find(self, terms: Sequence[Term], entries: dict[str, Entry]) -> OrderedEntries | None:
        """Return the entries that meet one of several terms that all must be met; None: look through all.

        ``entries`` are those that there are.
        """
        for label, name, value in terms:
            index = self._indexes.get((label, name))
            if index is None:
                self._ask((label, name), entries)
            elif index.filled:
                index.used = time.monotonic()
                found = index.values.get(value)
                return OrderedEntries() if found is None else found
        return None

    def change(self, previous: Entry | None, entry: Entry | None) -> None:
        """Follow a change of the cache."""
        for index in self._indexes.values():
            index.change(previous, entry)

    def trim(self) -> None:
        """Drop what nobody has asked for lately."""
        if self._indexes:
            self._drop_idle(IDLE_SECONDS)

    def clear(self) -> None:
        """Drop all: the entries are others now."""
        self._indexes.clear()

    def _drop_idle(self, seconds: float) -> None:
        oldest = time.monotonic() - seconds
        for key in [key for key, index in self._indexes.items() if index.used < oldest]:
            del self._indexes[key]

    def _ask(self, key: tuple[bool, str], entries: dict[str, Entry]) -> None:
        if len(entries) < FROM_ENTRIES:
            return
        if key not in self._asked:
            if len(self._asked) >= REMEMBERED:
                self._asked.clear()
            self._asked[key] = None
            return
        if len(self._indexes) >= MOST_INDEXES:
            self._drop_idle(IDLE_SECONDS / 10)
        if len(self._indexes) < MOST_INDEXES:
            del self._asked[key]
            index = self._indexes[key] = _Index(*key)
            task = asyncio.create_task(self._fill(index, entries), name=f"kapi-index-{key[1]}")
            self._filling.add(task)
            task.add_done_callback(self._filling.discard)

    async def _fill(self, index: _Index, entries: dict[str, Entry]) -> None:
        """Put every entry in, as it is when its turn comes; those that change meanwhile are put in by that."""
        turns = Turns()
        for key in list(entries):
            entry = entries.get(key)
            if entry is not None:
                index.put(entry)
            if turns.due():
                await turns.give()
                if self._indexes.get((index.label, index.name)) is not index:
                    return
            if index.given_up:
                return
        index.filled = True
