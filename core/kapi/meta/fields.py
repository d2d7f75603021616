"""Field selectors: ``metadata.name=a,status.phase!=Running``.

``=`` and ``==`` demand equality, ``!=`` the opposite; a backslash takes its meaning from a comma, an equals sign or a
backslash. A field that an object does not have counts as the empty string.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from kapi.meta.errors import bad_request

Matcher = Callable[[Mapping[str, str]], bool]

METADATA_FIELDS = ("metadata.name", "metadata.namespace")
"""What every namespaced kind can be selected by."""


class Requirement(NamedTuple):
    """One term: the field must equal ``value`` (or must not)."""

    field: str
    value: str
    equal: bool

    def __str__(self) -> str:
        """Return the term in selector syntax."""
        return f"{self.field}{'=' if self.equal else '!='}{escape(self.value)}"


def _compile(requirements: tuple[Requirement, ...]) -> Matcher:
    if not requirements:
        return lambda fields: True
    if len(requirements) == 1:
        field, value, equal = requirements[0]
        if equal:
            return lambda fields: fields.get(field, "") == value
        return lambda fields: fields.get(field, "") != value

    return lambda fields: all((fields.get(field, "") == value) is equal for field, value, equal in requirements)


class FieldSelector:
    """A conjunction of terms. ``matches`` takes the fields of an object and says whether all terms hold."""

    __slots__ = ("matches", "requirements")

    def __init__(self, requirements: tuple[Requirement, ...] = ()) -> None:
        """Take the terms; none means that everything matches."""
        self.requirements = requirements
        self.matches: Matcher = _compile(requirements)

    @property
    def empty(self) -> bool:
        """Whether the selector lets everything through."""
        return not self.requirements

    def exact(self, field: str) -> str | None:
        """Return the value that ``field`` must equal, if a term says so."""
        for requirement in self.requirements:
            if requirement.field == field and requirement.equal:
                return requirement.value
        return None

    def check(self, supported: Collection[str], *, metadata_only: bool) -> None:
        """Raise a 400 StatusError for a field that is not ``supported``.

        ``metadata_only`` marks kinds that know no fields but those of metadata: their message lists them.
        """
        for requirement in self.requirements:
            field = requirement.field
            if field in supported:
                continue
            if metadata_only:
                raise bad_request(
                    f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
                )
            raise bad_request(f"field label not supported: {field}")

    def __str__(self) -> str:
        """Return the selector text."""
        return ",".join(map(str, self.requirements))


EVERYTHING = FieldSelector()
"""The selector without terms."""


def parse_field_selector(text: str) -> FieldSelector:
    """Parse the text of a selector; raises a 400 StatusError in apimachinery's words."""
    if not text:
        return EVERYTHING
    return FieldSelector(tuple(_parse_term(text, term) for term in sorted(_split(text)) if term))


def _split(text: str) -> list[str]:
    if "\\" not in text:
        return text.split(",")
    terms, start, escaped = [], 0, False
    for i, ch in enumerate(text):
        if escaped:
            escaped = False
        elif ch == "\\":
            escaped = True
        elif ch == ",":
            terms.append(text[start:i])
            start = i + 1
    terms.append(text[start:])
    return terms


def _parse_term(text: str, term: str) -> Requirement:
    at = term.find("=")
    if at < 0:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
    if term[at - 1 : at] == "!":
        return Requirement(term[: at - 1], _unescape(term[at + 1 :]), False)
    rest = term[at + 2 :] if term.startswith("==", at) else term[at + 1 :]
    return Requirement(term[:at], _unescape(rest), True)


def escape(value: str) -> str:
    """Return ``value`` with a backslash before each character that has a meaning in selectors."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def _unescape(text: str) -> str:
    out: list[str] = []
    escaped = False
    for ch in text:
        if escaped:
            if ch not in "\\,=":
                raise bad_request(f"invalid field selector: invalid escape sequence: \\{ch}")
            out.append(ch)
            escaped = False
        elif ch == "\\":
            escaped = True
        elif ch in ",=":
            raise bad_request(f"invalid field selector: unescaped character in value: {ord(ch)}")
        else:
            out.append(ch)
    if escaped:
        raise bad_request("invalid field selector: invalid escape sequence: \\")
    return "".join(out)
