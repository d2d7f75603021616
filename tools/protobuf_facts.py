"""Writes the table of the numbers that members of the built-in kinds have in protobuf.

    python tools/protobuf_facts.py SOURCES

SOURCES is a folder with checkouts of k8s.io/api, apimachinery, apiextensions-apiserver and kube-aggregator; their
``generated.proto`` files are read for names and numbers alone. The table is described in :mod:`kapi.meta.protobuf`.
"""

import argparse
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from kapi.meta.schema.tables import Definitions
from kapi.meta.schema.types import Struct
from kapi_apigroups.facts import definitions

OUTPUT = Path("plugins/apigroups/kapi_apigroups/facts/protobuf.json")
_MESSAGE = re.compile(r"^message (\w+) \{(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"(?:optional|repeated|map<\w+,\s*[\w.]+>)\s+(?:([\w.]+)\s+)?(\w+)\s*=\s*(\d+)")
_PACKAGES = {"apiextensions_apiserver": "apiextensions-apiserver", "kube_aggregator": "kube-aggregator"}


class ProtoField(NamedTuple):
    """A field of a message; ``message`` is the definition of its type, if that is a message."""

    name: str
    number: int
    message: str


Messages = Mapping[str, list[ProtoField]]


def parse_proto(text: str) -> Iterator[tuple[str, list[ProtoField]]]:
    """Yield the messages of a ``generated.proto``, by the names of their definitions."""
    package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)
    if package is None:
        return
    for message in _MESSAGE.finditer(re.sub(r"//.*", "", text)):
        fields = [
            ProtoField(name, int(number), _definition(package[1], kind or ""))
            for kind, name, number in _FIELD.findall(message[2])
        ]
        yield _definition(package[1], message[1]), fields


def _definition(package: str, kind: str) -> str:
    """Return ``io.k8s.api.core.v1.Pod`` for ``Pod`` in the package ``k8s.io.api.core.v1``."""
    full = kind[1:] if kind.startswith(".") else f"{package}.{kind}"
    words = [_PACKAGES.get(word, word) for word in full.split(".")]
    return ".".join(["io", "k8s", *words[2:]])


def _plain(name: str) -> str:
    return re.sub("[^a-z0-9]", "", name.lower())


def numbers_of(name: str, members: Iterable[str], messages: Messages) -> dict[str, str]:
    """Return the number, or path of numbers, of each member of a definition."""
    by_plain_name = {_plain(member): member for member in members}
    found: dict[str, str] = {}
    for field in messages.get(name, ()):
        member = by_plain_name.get(_plain(field.name))
        if member is not None:
            found[member] = str(field.number)
            continue
        inner = numbers_of(field.message, by_plain_name.values(), messages)
        found |= {member: f"{field.number}.{path}" for member, path in inner.items() if member not in found}
    return found


def build_table(types: Definitions, messages: Messages) -> dict[str, str]:
    """Return the text of numbers of every definition that has members."""
    table = {}
    for name in types.names():
        kind = types.type(name)
        if isinstance(kind, Struct) and name in messages:
            found = numbers_of(name, kind.fields, messages)
            table[name] = " ".join(f"{member} {path}" for member, path in found.items())
    return table


def main(arguments: list[str]) -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description="Write the numbers that members have in protobuf.")
    parser.add_argument("sources", type=Path, help="folder with checkouts of the reference's API packages")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="where to write")
    options = parser.parse_args(arguments)
    messages = {
        name: fields
        for file in sorted(options.sources.rglob("generated.proto"))
        for name, fields in parse_proto(file.read_text())
    }
    data = orjson.dumps(build_table(definitions(), messages), option=orjson.OPT_INDENT_2)
    (options.root / OUTPUT).write_bytes(data + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
