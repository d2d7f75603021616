"""Writes the compact tables of facts about the built-in kinds.

    python tools/generate_facts.py REFERENCE

REFERENCE is a folder with what a server of the reference publishes: ``openapi-v3/*.json`` (the OpenAPI v3 document
of each group and version), ``discovery-api.json`` and ``discovery-apis.json`` (aggregated discovery) and
``table-columns.json`` (by ``version/resource`` or ``group/version/resource`` the columns of the resource's Table). Only
facts are taken: names, types, defaults, merge rules; no texts. The tables are described in
:mod:`kapi.meta.schema.compact` and :mod:`kapi_apigroups.facts`.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

import go_facts
import group_facts
from kapi.meta.schema.compact import Compactor, without_descriptions

JSON = dict[str, Any]

SHARED = "io.k8s.apimachinery."
GVK = "x-kubernetes-group-version-kind"
OUTPUTS = {
    "metav1": Path("core/kapi/meta/schema/metav1.json"),
    "definitions": Path("plugins/apigroups/kapi_apigroups/facts/definitions.json"),
    "resources": Path("plugins/apigroups/kapi_apigroups/facts/resources.json"),
}


def read_definitions(folder: Path) -> dict[str, JSON]:
    """Return the definitions of all documents by name, without texts; lists of kinds are united.

    Raises ValueError when two documents disagree about a definition.
    """
    found: dict[str, JSON] = {}
    united_kinds: dict[str, list[JSON]] = {}
    for file in sorted(folder.glob("*.json")):
        document = orjson.loads(file.read_bytes())
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            facts = without_descriptions(schema)
            kinds = facts.pop(GVK, [])
            if found.setdefault(name, facts) != facts:
                raise ValueError(f"{file.name} has another {name}")
            united = united_kinds.setdefault(name, [])
            united += [kind for kind in kinds if kind not in united]
    return {name: facts | {GVK: united_kinds[name]} if united_kinds[name] else facts for name, facts in found.items()}


def member_lines(text: str) -> Iterator[tuple[str, str]]:
    """Yield (definition, member) pairs of a block of :mod:`go_facts`."""
    for line in text.strip().splitlines():
        short, _, members = line.partition(": ")
        prefix = next(full for start, full in go_facts.PREFIXES.items() if short.startswith(start))
        for member in members.split():
            yield prefix + short, member


def go_member_facts() -> dict[str, dict[str, JSON]]:
    """Return the facts of :mod:`go_facts` by definition and member."""
    facts: dict[str, dict[str, JSON]] = {}
    blocks = {
        "*": go_facts.POINTERS,
        "": go_facts.DROPPED,
        "z": go_facts.WRITTEN,
        "n": go_facts.NULL,
        "*n": go_facts.NULL_POINTERS,
    }
    for presence, block in blocks.items():
        for definition, member in member_lines(block):
            facts.setdefault(definition, {}).setdefault(member, {})["p"] = presence
    for definition, pair in member_lines(go_facts.GO_TYPES):
        member, _, go_type = pair.partition("=")
        found = facts.setdefault(definition, {}).setdefault(member, {})
        found["g"] = go_type
        if go_type in go_facts.MILLI_TYPES:
            found["i"] = {"q": "milli"}
    return facts


def definition_tables(definitions: Mapping[str, JSON]) -> tuple[JSON, JSON]:
    """Return the table of the definitions that all groups share, and that of the others."""
    compactor = Compactor(go_member_facts(), go_facts.LEAVES)
    shared = {name: schema for name, schema in definitions.items() if name.startswith(SHARED)}
    others = {name: schema for name, schema in definitions.items() if name not in shared}
    return compactor.compact(shared), compactor.compact(others)


def resource_table(discovery: list[JSON], columns: Mapping[str, list[JSON]], kinds: Mapping[str, str]) -> JSON:
    """Return the table of resources (see :mod:`kapi_apigroups.facts`).

    ``discovery`` holds APIGroupDiscoveryList documents, core group first; ``kinds`` gives the definition of each
    ``group/version/kind``.
    """
    groups = []
    for group in (item for document in discovery for item in document["items"]):
        name = group["metadata"].get("name", "")
        versions = {
            version["version"]: [
                _resource(name, version["version"], each, columns, kinds) for each in version["resources"]
            ]
            for version in group["versions"]
        }
        priority, version_priority = group_facts.PRIORITIES.get(name, group_facts.UNRANKED)
        groups.append({"name": name, "priority": [priority, version_priority], "versions": versions})
    return {"groups": groups}


def _resource(
    group: str, version: str, facts: JSON, columns: Mapping[str, list[JSON]], kinds: Mapping[str, str]
) -> JSON:
    plural, kind = facts["resource"], _response_kind(group, version, facts)
    key = f"{group}/{version}/{plural}".lstrip("/")
    entry = {
        "resource": plural,
        "kind": kind[2],
        "singular": facts.get("singularResource", ""),
        "namespaced": facts["scope"] == "Namespaced",
        "verbs": facts["verbs"],
        "shortNames": facts.get("shortNames", []),
        "categories": facts.get("categories", []),
        "definition": kinds["/".join(kind)],
        "prefix": group_facts.STORAGE_PREFIXES.get((group, plural), []),
        "subresources": [_subresource(group, version, each, kinds) for each in facts.get("subresources", [])],
        "columns": [
            [column["name"], column["type"], column["format"], column["priority"]] for column in columns.get(key, [])
        ],
    }
    return {name: value for name, value in entry.items() if value not in ([], False)}


def _subresource(group: str, version: str, facts: JSON, kinds: Mapping[str, str]) -> JSON:
    kind = _response_kind(group, version, facts)
    entry = {
        "name": facts["subresource"],
        "kind": list(kind),
        "verbs": facts["verbs"],
        "definition": kinds.get("/".join(kind)),
    }
    return {name: value for name, value in entry.items() if value is not None}


def _response_kind(group: str, version: str, facts: JSON) -> tuple[str, str, str]:
    kind = facts["responseKind"]
    return (kind["group"] or group, kind["version"] or version, kind["kind"])


def definition_by_kind(definitions: Mapping[str, JSON]) -> dict[str, str]:
    """Return the names of the definitions by ``group/version/kind``."""
    return {
        f"{kind['group']}/{kind['version']}/{kind['kind']}": name
        for name, schema in definitions.items()
        for kind in schema.get(GVK, ())
    }


def generate(reference: Path) -> dict[str, bytes]:
    """Return the contents of all tables by their key in :data:`OUTPUTS`."""
    definitions = read_definitions(reference / "openapi-v3")
    discovery = [orjson.loads((reference / f"discovery-{name}.json").read_bytes()) for name in ("api", "apis")]
    columns = orjson.loads((reference / "table-columns.json").read_bytes())
    shared, others = definition_tables(definitions)
    tables = {
        "metav1": shared,
        "definitions": others,
        "resources": resource_table(discovery, columns, definition_by_kind(definitions)),
    }
    return {key: orjson.dumps(table) + b"\n" for key, table in tables.items()}


def main(arguments: list[str]) -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description="Write the tables of facts about the built-in kinds.")
    parser.add_argument("reference", type=Path, help="folder with OpenAPI documents, discovery and table columns")
    parser.add_argument("--root", type=Path, default=Path(__file__).parents[1], help="where to write")
    options = parser.parse_args(arguments)
    for key, data in generate(options.reference).items():
        target = options.root / OUTPUTS[key]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


if __name__ == "__main__":
    main(sys.argv[1:])
