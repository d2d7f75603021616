"""Generated facts about the built-in kinds.

``definitions.json`` is a compact table (:mod:`kapi.meta.schema.compact`).

``resources.json`` is an object whose ``groups`` lists the API groups in the order of discovery: ``name``, ``priority``
(``groupPriorityMinimum`` and ``versionPriority``) and ``versions``, which gives by version, preferred one first, the
list of resources in the order of discovery. A resource has ``resource`` (plural), ``kind``, ``singular``, ``verbs``,
the ``definition`` of its kind, and, unless empty or false, ``namespaced``, ``shortNames``, ``categories``, ``prefix``
(the storage key, if it is not the plural), ``columns`` (name, type, format, priority) and ``subresources``: ``name``,
``kind`` (group, version, kind), ``verbs`` and, if there is one, the ``definition``.

``protobuf.json`` gives the numbers of members in protobuf by definition (:mod:`kapi.meta.protobuf`).
"""

import functools
from pathlib import Path
from typing import Any

import orjson

from kapi.meta.schema.tables import Definitions, metav1_definitions


def _read(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


@functools.cache
def definitions() -> Definitions:
    """Return the types of all built-in kinds."""
    return Definitions.load(_read("definitions.json"), metav1_definitions())


@functools.cache
def protobuf_numbers() -> dict[str, str]:
    """Return the protobuf numbers of the members of all built-in kinds."""
    table: dict[str, str] = orjson.loads(_read("protobuf.json"))
    return table


@functools.cache
def group_facts(name: str) -> dict[str, Any]:
    """Return the entry of a group ("" for core); raises KeyError when there is none."""
    return _groups()[name]


@functools.cache
def _groups() -> dict[str, dict[str, Any]]:
    return {group["name"]: group for group in orjson.loads(_read("resources.json"))["groups"]}


def group_names() -> list[str]:
    """Return the names of all built-in groups in the order of discovery."""
    return list(_groups())
