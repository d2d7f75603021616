"""What columns mean. Most show a field of the API, and are described by what is said about that."""

import re
from typing import NamedTuple

from kapi_apigroups.documentation import documented

_SENTENCE = re.compile(r"(?<=\.) +(?=[A-Z])")


class Field(NamedTuple):
    """A field of the API, ``module.Type.member``; ``sentences`` takes only so many of what is said about it."""

    path: str
    sentences: int = 0


Description = Field | str


def describe(description: Description) -> str:
    """Return the text of a description; "" for a field that is not documented here."""
    if isinstance(description, str):
        return description
    module, kind, member = description.path.split(".")
    found = documented(module, kind)
    text = found.members.get(member, "") if found else ""
    return " ".join(_SENTENCE.split(text)[: description.sentences]) if description.sentences else text
