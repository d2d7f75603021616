"""Entries in the order of their keys, in blocks, so that neither a change nor a snapshot depends on how many there are.

A change looks at one block of a few hundred entries. A snapshot refers to blocks instead of copying entries; a block
that a snapshot may show is copied before its next change. A list of everything can therefore be sent bit by bit while
the cache goes on, and still shows one moment.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import attrgetter
from typing import overload

from kapi.storage.entry import Entry

BLOCK = 512
"""How many entries a block has at most; it is then split, and joined with its neighbour when little is left."""

Block = list[Entry]
_KEY = attrgetter("key")


class Snapshot(Sequence[Entry]):
    """Consecutive entries as they were when the snapshot was taken."""

    __slots__ = ("_length", "pieces")

    def __init__(self, pieces: Sequence[Block]) -> None:
        """Take the entries in pieces, which nobody changes any more."""
        self.pieces = pieces
        self._length = sum(map(len, pieces))

    def __len__(self) -> int:
        """Return how many entries there are."""
        return self._length

    def __iter__(self) -> Iterator[Entry]:
        """Return the entries in the order of their keys."""
        return chain.from_iterable(self.pieces)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequence[Entry]": ...
    def __getitem__(self, index: int | slice) -> "Entry | Sequence[Entry]":
        """Return one entry, or some as a list."""
        if isinstance(index, slice):
            return list(self)[index]
        left = index if index >= 0 else index + self._length
        for piece in self.pieces if left >= 0 else ():
            if left < len(piece):
                return piece[left]
            left -= len(piece)
        raise IndexError(index)


NOTHING = Snapshot(())


def rewound(present: Snapshot, undone: Mapping[str, Entry | None], limit: int) -> Snapshot:
    """Return the entries of a past state, at most ``limit`` (0: all): the present ones with changes taken back.

    ``undone`` has the past states of all keys that have changed since. With a limit, ``present`` must have as many
    entries more than that as there are changed keys, if there are.
    """
    entries = [entry for entry in present if entry.key not in undone]
    entries += [entry for entry in undone.values() if entry is not None]
    entries.sort(key=_KEY)
    if limit:
        del entries[limit:]
    return Snapshot([entries[start : start + BLOCK] for start in range(0, len(entries), BLOCK)])


class OrderedEntries:
    """A set of entries with different keys, in the order of these."""

    __slots__ = ("_blocks", "_first", "_lent", "_length")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        """Take entries that are in order."""
        self._blocks: list[Block] = []
        self._first: list[str] = []
        self._lent: list[bool] = []
        self._length = 0
        for entry in entries:
            self.put(entry)

    def __len__(self) -> int:
        """Return how many entries there are."""
        return self._length

    def put(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of the one with its key."""
        key = entry.key
        if not self._blocks:
            self._insert_block(0, [entry])
            self._length = 1
            return
        number = max(0, bisect_right(self._first, key) - 1)
        block = self._own(number)
        if block[-1].key < key:
            block.append(entry)
        else:
            at = bisect_left(block, key, key=_KEY)
            if block[at].key == key:
                block[at] = entry
                return
            block.insert(at, entry)
            self._first[number] = block[0].key
        self._length += 1
        if len(block) > BLOCK:
            self._split(number)

    def remove(self, key: str) -> None:
        """Remove the entry with a key, if there is one."""
        number = bisect_right(self._first, key) - 1
        if number < 0:
            return
        at = bisect_left(self._blocks[number], key, key=_KEY)
        if at == len(self._blocks[number]) or self._blocks[number][at].key != key:
            return
        block = self._own(number)
        del block[at]
        self._length -= 1
        if not block:
            self._remove_block(number)
            return
        self._first[number] = block[0].key
        self._join(number)

    def snapshot(self, low: str = "", high: str = "", limit: int = 0) -> tuple[Snapshot, int]:
        """Return the entries whose keys are in [low, high) ("": from the first, to the last), and how many more.

        ``limit`` is how many entries the snapshot has at most (0: all).
        """
        first, start = self._position(low) if low else (0, 0)
        last, stop = self._position(high) if high else (len(self._blocks), 0)
        if (first, start) >= (last, stop):
            return NOTHING, 0
        pieces: list[Block] = []
        taken = 0
        for number in range(first, last + (stop > 0)):
            block = self._blocks[number]
            begin = start if number == first else 0
            end = stop if number == last else len(block)
            if limit and taken + end - begin >= limit:
                cut = begin + limit - taken
                pieces.append(block[begin:cut])
                left = sum(map(len, self._blocks[number + 1 : last]))
                left += end - cut if number == last else len(block) - cut + stop
                return Snapshot(pieces), left
            pieces.append(self._lend(number, begin, end))
            taken += end - begin
        return Snapshot(pieces), 0

    def _position(self, key: str) -> tuple[int, int]:
        """Return the block and the place in it of the first key that is not less."""
        number = bisect_right(self._first, key) - 1
        if number < 0:
            return 0, 0
        at = bisect_left(self._blocks[number], key, key=_KEY)
        return (number + 1, 0) if at == len(self._blocks[number]) else (number, at)

    def _lend(self, number: int, begin: int, end: int) -> Block:
        """Return part of a block for a snapshot: the block itself if it is all of it."""
        block = self._blocks[number]
        if begin or end < len(block):
            return block[begin:end]
        self._lent[number] = True
        return block

    def _own(self, number: int) -> Block:
        """Return a block that no snapshot shows, to change it."""
        if self._lent[number]:
            self._blocks[number] = self._blocks[number].copy()
            self._lent[number] = False
        return self._blocks[number]

    def _split(self, number: int) -> None:
        """Cut a block; where entries come in order, leave the first part full."""
        block = self._blocks[number]
        at = len(block) // 2 if number + 1 < len(self._blocks) else BLOCK * 7 // 8
        self._insert_block(number + 1, block[at:])
        del block[at:]

    def _join(self, number: int) -> None:
        """Join a block with the next if both are short."""
        if number + 1 < len(self._blocks) and len(self._blocks[number]) + len(self._blocks[number + 1]) <= BLOCK // 2:
            self._blocks[number] = self._blocks[number] + self._blocks[number + 1]
            self._lent[number] = False
            self._remove_block(number + 1)

    def _insert_block(self, number: int, block: Block) -> None:
        self._blocks.insert(number, block)
        self._first.insert(number, block[0].key)
        self._lent.insert(number, False)

    def _remove_block(self, number: int) -> None:
        del self._blocks[number], self._first[number], self._lent[number]
