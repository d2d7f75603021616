"""Histories of concurrent clients, and whether a store that keeps its promises can have answered so.

Clients note every operation with the times at which they called and had the answer::

    history = [
        Operation(1, "a", "create", "x", outcome="ok", revision=7, called=0.0, returned=0.2),
        Operation(2, "a", "get", "x", outcome="ok", revision=7, called=0.1, returned=0.3),
    ]
    check_linearizable(history)
    check_revisions(history)

Both raise :class:`Violation`. :mod:`kapi.testing.load` makes such histories with clients over HTTP,
:mod:`kapi.testing.recording` with any storage backend; :mod:`kapi.testing.watch_histories` checks what watchers saw.

Each key is a register with compare-and-swap. Whoever does not know whether a write took effect (the connection broke,
the server answered 503) notes the outcome "unknown": it may take effect at any later time, or never. Reads that failed,
and writes that were refused before anything was tried (429), are left out.

The search is that of Wing and Gong, with Lowe's memory of configurations seen: J. Wing, C. Gong, "Testing and Verifying
Concurrent Objects", 1993; G. Lowe, "Testing for linearizability", 2017.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["create", "get", "update", "delete"]
Outcome = Literal["ok", "exists", "missing", "conflict", "unknown"]

STEPS = 5_000_000
"""How far the search of one key goes before it gives up."""

_SHOWN = 12


class Violation(AssertionError):
    """No store that keeps its promises can have given these answers; the message says which and why."""


class Undecided(Exception):
    """The search has become too long; shorter histories, or more keys, would help."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one client.

    ``value`` is what a write wrote or a get returned, as text; each write should have a value of its own. ``expected``
    is the revision that an update or a deletion was conditional on (0: unconditional). ``revision`` is the one that a
    write got or a get returned; 0 where the client was not told. Times are seconds of one clock for all clients.
    """

    client: int
    key: str
    kind: Kind
    value: str | None = None
    expected: int = 0
    outcome: Outcome = "ok"
    revision: int = 0
    called: float = 0.0
    returned: float = math.inf

    @property
    def acknowledged(self) -> bool:
        """Tell whether this is a write that the client knows to have taken effect."""
        return self.outcome == "ok" and self.kind != "get"

    def __str__(self) -> str:
        """Return a line for people."""
        condition = f" if {self.expected}" if self.expected else ""
        what = f"{self.kind} {self.key} {self.value or ''}{condition}"
        return f"{self.called:.6f}..{self.returned:.6f} client {self.client}: {what} -> {self.outcome} {self.revision}"


class Register(NamedTuple):
    """What one key holds: its value (None: absent) and revision (0: not known, but above ``floor``)."""

    value: str | None = None
    revision: int = 0
    floor: int = 0


ABSENT = Register()


def apply(state: Register, operation: Operation) -> Register | None:
    """Return the state after an operation; None if the operation cannot have had its outcome in this state."""
    present = state.value is not None
    match operation.outcome:
        case "missing":
            return None if present else state
        case "exists":
            return state if present else None
        case "conflict":
            return state if present and operation.expected not in (0, state.revision) else None
    if operation.kind == "get":
        return _read(state, operation)
    if operation.kind == "create":
        return None if present else _written(state, operation)
    return _written(state, operation) if present and _as_expected(state, operation.expected) else None


def _read(state: Register, read: Operation) -> Register | None:
    if state.value is None or read.value != state.value or not _as_expected(state, read.revision):
        return None
    return Register(read.value, read.revision or state.revision, max(state.floor, read.revision))


def _as_expected(state: Register, revision: int) -> bool:
    """Tell whether the state may be the one with this revision (0: any)."""
    return not revision or state.revision == revision or (not state.revision and revision > state.floor)


def _written(state: Register, write: Operation) -> Register | None:
    floor = max(state.floor, state.revision, write.expected)
    if write.revision and write.revision <= floor:
        return None
    floor = write.revision or floor
    return Register(None, 0, floor) if write.kind == "delete" else Register(write.value, write.revision, floor)


def check_linearizable(operations: Iterable[Operation], initial: Register = ABSENT, *, steps: int = STEPS) -> None:
    """Check that the operations on each key have an order that explains their outcomes and agrees with their times.

    All keys begin as ``initial``. Raises Violation, and Undecided after ``steps`` steps for one key.
    """
    by_key: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_key[operation.key].append(operation)
    for key, own in by_key.items():
        _Search(key, own, initial).run(steps)


class _Moment:
    """A call or a return, in a doubly linked list in the order of time."""

    __slots__ = ("after", "before", "end", "is_call", "number")

    def __init__(self, number: int, is_call: bool, before: "_Moment | None") -> None:
        self.number = number
        self.is_call = is_call
        self.end: _Moment | None = None
        self.before = before
        self.after: _Moment | None = None
        if before is not None:
            before.after = self

    def take_out(self) -> None:
        """Leave the list; the neighbours stay known, for :meth:`put_back`."""
        assert self.before is not None
        self.before.after = self.after
        if self.after is not None:
            self.after.before = self.before

    def put_back(self) -> None:
        """Come back to where it was; the reverse of the latest :meth:`take_out` only."""
        assert self.before is not None
        self.before.after = self
        if self.after is not None:
            self.after.before = self


class _Search:
    """Looks for an order of the operations on one key."""

    def __init__(self, key: str, operations: Sequence[Operation], initial: Register) -> None:
        self.key = key
        self.operations = operations
        self.initial = initial
        self.head = self._moments()
        self.open = sum(operation.outcome != "unknown" for operation in operations)
        self.best: list[int] = []

    def _moments(self) -> _Moment:
        """Return the head of the list of calls and returns; a call that may take effect for ever has no return."""
        moments = [(item.called, 0, number) for number, item in enumerate(self.operations)]
        known = [(number, item) for number, item in enumerate(self.operations) if item.outcome != "unknown"]
        moments += [(item.returned, 1, number) for number, item in known]
        head = last = _Moment(-1, False, None)
        calls: dict[int, _Moment] = {}
        for _, returns, number in sorted(moments):
            last = _Moment(number, not returns, last)
            if returns:
                calls[number].end = last
            else:
                calls[number] = last
        return head

    def run(self, steps: int) -> None:
        """Raise Violation if there is no order, Undecided after so many steps."""
        state, done = self.initial, 0
        seen: set[tuple[int, Register]] = set()
        path: list[tuple[_Moment, Register]] = []
        moment = self.head.after
        while self.open:
            steps -= 1
            if steps < 0:
                raise Undecided(f"{self.key}: {len(self.operations)} operations are too many")
            if moment is not None and moment.is_call:
                after = apply(state, self.operations[moment.number])
                configuration = (done | 1 << moment.number, after or state)
                if after is None or configuration in seen:
                    moment = moment.after
                    continue
                seen.add(configuration)
                path.append((moment, state))
                done, state = configuration
                self._place(moment)
                moment = self.head.after
                continue
            if len(path) > len(self.best):
                self.best = [placed.number for placed, _ in path]
            if not path:
                raise Violation(self._explain())
            moment, state = path.pop()
            done ^= 1 << moment.number
            self._displace(moment)
            moment = moment.after

    def _place(self, call: _Moment) -> None:
        call.take_out()
        if call.end is not None:
            call.end.take_out()
            self.open -= 1

    def _displace(self, call: _Moment) -> None:
        if call.end is not None:
            call.end.put_back()
            self.open += 1
        call.put_back()

    def _explain(self) -> str:
        """Say how far the best order got, and what does not go on from there."""
        placed = set(self.best)
        state = self.initial
        for number in self.best:
            state = apply(state, self.operations[number]) or state
        left = sorted((item.returned, number) for number, item in enumerate(self.operations) if number not in placed)
        lines = [f"{self.key}: no order of these operations explains their outcomes", "  in order:"]
        lines += [f"    {self.operations[number]}" for number in self.best[-_SHOWN:]]
        lines += [f"  the key then holds {state}; next should be one of:"]
        lines += [f"    {self.operations[number]}" for _, number in left[:_SHOWN]]
        return "\n".join(lines)


def check_revisions(operations: Iterable[Operation]) -> None:
    """Check that revisions are given once, and grow with time over all keys. Raises Violation.

    A write that began after another was acknowledged has a higher revision, whatever happened in between: the server
    may have been killed and started.
    """
    writes = [item for item in operations if item.acknowledged and item.revision]
    given: dict[int, Operation] = {}
    for write in writes:
        other = given.setdefault(write.revision, write)
        if other is not write:
            raise Violation(f"one revision for two writes:\n  {other}\n  {write}")
    by_return = sorted(writes, key=lambda item: item.returned)
    highest: Operation | None = None
    position = 0
    for write in sorted(writes, key=lambda item: item.called):
        while by_return[position].returned < write.called:
            done = by_return[position]
            highest = done if highest is None or done.revision > highest.revision else highest
            position += 1
        if highest is not None and highest.revision > write.revision:
            raise Violation(f"a later write has a lower revision:\n  {highest}\n  {write}")
