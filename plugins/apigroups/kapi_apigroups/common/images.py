"""Container image references, as far as defaults depend on them."""

import re

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]++(?:(?:__|[._]|-+)[a-z0-9]++)*+"
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*(?::(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?P<digest>@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")
_LONGEST = 1024
"""References longer than this are treated as malformed: names end at 255 bytes, tags at 128."""


def default_pull_policy(image: str) -> str:
    """Return the imagePullPolicy of a container that names none: Always for the tag ``latest``, given or implied.

    A malformed reference gets IfNotPresent, as the reference's parser then reports no tag.
    """
    if len(image) > _LONGEST or _IDENTIFIER.fullmatch(image):
        return "IfNotPresent"
    match = _REFERENCE.fullmatch(image)
    if match is None:
        return "IfNotPresent"
    tag, digest = match["tag"], match["digest"]
    return "Always" if tag == "latest" or not (tag or digest) else "IfNotPresent"
