"""What is in a store: how many keys of which resource, how large, and whether their values can be read."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import orjson

from kapi.storage.dump import Record
from kapi.storage.unreadable import ENCRYPTED

MAX_FINDINGS = 20

_PROTOBUF = b"k8s\0"
_SHORT = 3
"""Keys with more parts, ``services/specs/NAMESPACE/NAME``, name their resource with the first two."""


@dataclass(slots=True)
class Tally:
    """The keys of one resource."""

    keys: int = 0
    bytes: int = 0
    encrypted: int = 0


@dataclass(slots=True)
class Survey:
    """All keys by resource, and what is wrong with values: the first findings, and how many there are."""

    resources: dict[str, Tally] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    wrong: int = 0

    def add(self, record: Record) -> None:
        """Count a key."""
        tally = self.resources.setdefault(resource_of(record.name), Tally())
        tally.keys += 1
        tally.bytes += len(record.value)
        if record.value.startswith(ENCRYPTED):
            tally.encrypted += 1
        elif not _is_object(record.value):
            self.wrong += 1
            if len(self.findings) < MAX_FINDINGS:
                self.findings.append(f"the value of {record.name} is not a JSON object")

    def total(self) -> Tally:
        """Return the sum over all resources."""
        tallies = self.resources.values()
        return Tally(*(sum(getattr(tally, name) for tally in tallies) for name in ("keys", "bytes", "encrypted")))


async def survey(pages: AsyncIterator[Sequence[Record]]) -> Survey:
    """Count all keys."""
    found = Survey()
    async for page in pages:
        for record in page:
            found.add(record)
    return found


def resource_of(name: str) -> str:
    """Return the part of a key that stands for its resource: ``pods``, ``services/specs``, ``example.com/widgets``."""
    parts = name.split("/")
    if "." in parts[0] or len(parts) > _SHORT:
        return "/".join(parts[:2])
    return parts[0]


def _is_object(value: bytes) -> bool:
    """Tell whether a value is a JSON object, or protobuf that kube-apiserver has written."""
    if value.startswith(_PROTOBUF):
        return True
    try:
        return isinstance(orjson.loads(value), dict)
    except orjson.JSONDecodeError:
        return False
