"""The type model: what the schema of a kind says about each value.

One small set of types describes built-in kinds (from compact tables), custom resources (from their structural
schemas) and third-party API groups. Decoding, defaulting, strategic merge, server-side apply and OpenAPI all read
it. The attributes are the facts of Kubernetes' OpenAPI extensions (``x-kubernetes-list-type``,
``x-kubernetes-list-map-keys``, ``x-kubernetes-map-type``, ``x-kubernetes-patch-strategy``,
``x-kubernetes-patch-merge-key``), plus what the JSON form of Kubernetes objects needs and OpenAPI does not say:
which zero values stay on the wire.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

if TYPE_CHECKING:
    from kapi.meta.errors import FieldError

MISSING: Final[Any] = type("Missing", (), {"__repr__": lambda self: "MISSING"})()
"""Stands for "no default"."""

ScalarKind = Literal[
    "string",
    "int32",
    "int64",
    "number",
    "boolean",
    "bytes",
    "quantity",
    "milli-quantity",
    "int-or-string",
    "time",
    "micro-time",
    "duration",
    "any",
]
"""``bytes`` is base64 text, ``milli-quantity`` a quantity that is rounded up to whole thousandths, ``time`` RFC 3339 in
whole seconds, ``micro-time`` with six fractional digits, ``any`` whatever JSON holds (RawExtension, JSON, preserved
unknown fields)."""


class Type:
    """Base of all types. ``go_type`` is the name that decode errors print, e.g. ``map[string]string``."""

    __slots__ = ("go_type",)

    def __init__(self, go_type: str) -> None:
        """Take the printed name of the type."""
        self.go_type = go_type


class Scalar(Type):
    """A leaf. ``enum`` lists the allowed values (empty: any)."""

    __slots__ = ("enum", "kind")

    def __init__(self, kind: ScalarKind, go_type: str, enum: tuple[str, ...] = ()) -> None:
        """Take the JSON form and the enumeration."""
        super().__init__(go_type)
        self.kind = kind
        self.enum = enum


class Variant(Scalar):
    """A leaf for the merge rules, whose JSON form is one of several (kind ``any``).

    ``object`` is the type of its objects, ``array`` that of its lists (None: not allowed), ``boolean`` whether it
    may be one.
    """

    __slots__ = ("array", "boolean", "object")

    def __init__(self, go_type: str, object: Type, array: Type | None = None, boolean: bool = False) -> None:
        """Take the forms."""
        super().__init__("any", go_type)
        self.object = object
        self.array = array
        self.boolean = boolean


class List(Type):
    """A list. ``list_type`` says how server-side apply merges it; ``keys`` identify items of a "map" list."""

    __slots__ = ("items", "keys", "list_type")

    def __init__(
        self,
        items: Type,
        go_type: str,
        list_type: Literal["atomic", "set", "map"] = "atomic",
        keys: tuple[str, ...] = (),
    ) -> None:
        """Take the type of the items and the merge rule."""
        super().__init__(go_type)
        self.items = items
        self.list_type = list_type
        self.keys = keys


class Map(Type):
    """An object with free keys and values of one type; ``atomic`` maps are replaced whole by apply."""

    __slots__ = ("atomic", "values")

    def __init__(self, values: Type, go_type: str, atomic: bool = False) -> None:
        """Take the type of the values and the merge rule."""
        super().__init__(go_type)
        self.values = values
        self.atomic = atomic


class Field:
    """A named member of a Struct.

    - ``required``: listed as required by the schema;
    - ``default``: filled in when the member is absent (MISSING: none);
    - ``keep_zero``: an explicit zero value ("", 0, false, {} or []) stays (a pointer in the reference's type);
    - ``emit_zero``: present with its zero value even when absent (``zero`` holds that value);
    - ``patch_strategies`` ("merge", "replace", "retainKeys") and ``merge_key``: strategic merge patch.
    """

    __slots__ = (
        "default",
        "emit_zero",
        "keep_zero",
        "merge_key",
        "name",
        "patch_strategies",
        "required",
        "type",
        "zero",
    )

    def __init__(
        self,
        name: str,
        type: Type,
        *,
        required: bool = False,
        default: Any = MISSING,
        keep_zero: bool = False,
        emit_zero: bool = False,
        zero: Any = None,
        patch_strategies: tuple[str, ...] = (),
        merge_key: str = "",
    ) -> None:
        """Take the facts described above."""
        self.name = name
        self.type = type
        self.required = required
        self.default = default
        self.keep_zero = keep_zero
        self.emit_zero = emit_zero
        self.zero = zero
        self.patch_strategies = patch_strategies
        self.merge_key = merge_key


class Rules(Protocol):
    """How objects of a type are read, completed and checked where that is not done as for the reference's own types.

    A Struct that has rules is decoded (:mod:`~kapi.meta.schema.decode`), defaulted and checked by them alone. Its
    members still say how objects are merged and who owns what.
    """

    def read(self, value: Any, tree: Any, strict: bool) -> "tuple[dict[str, Any], list[str]]":
        """Return an object in normal form, and what strict validation finds; the value is not changed.

        ``tree`` is the value with duplicate members (see :class:`kapi.meta.schema.parse.Document`). Raises
        :class:`kapi.meta.schema.decode.DecodeError`.
        """

    def default(self, obj: dict[str, Any]) -> None:
        """Fill in the defaults."""

    def check(self, obj: dict[str, Any], old: dict[str, Any] | None) -> "list[FieldError]":
        """Return what is wrong with an object; ``old`` is the state before the update."""

    def fits(self, obj: dict[str, Any]) -> bool:
        """Tell whether all members have the JSON types that the members of the Struct expect."""


class Struct(Type):
    """An object with known members.

    ``name`` is the definition's full name (``io.k8s.api.core.v1.Container``); ``atomic`` structs are replaced
    whole by apply; ``preserve_unknown`` keeps members that the schema does not know; ``schema_checks`` lets
    :mod:`kapi.meta.schema.check` report required members and enumerations. ``rules`` replace all that.
    ``compiled`` is a cache for the functions that other modules compile from the type. Members are resolved on first
    use, so that a kind costs nothing until a request names it, and types may be recursive.
    """

    __slots__ = ("_fields", "_resolve", "atomic", "compiled", "name", "preserve_unknown", "rules", "schema_checks")

    def __init__(
        self,
        name: str,
        go_type: str,
        resolve: Callable[[], Mapping[str, Field]],
        *,
        atomic: bool = False,
        preserve_unknown: bool = False,
        schema_checks: bool = False,
        rules: Rules | None = None,
    ) -> None:
        """Take the names and a function that returns the members by name."""
        super().__init__(go_type)
        self.name = name
        self.atomic = atomic
        self.preserve_unknown = preserve_unknown
        self.schema_checks = schema_checks
        self.rules = rules
        self._resolve = resolve
        self._fields: Mapping[str, Field] | None = None
        self.compiled: dict[str, Any] = {}

    @property
    def fields(self) -> Mapping[str, Field]:
        """The members by their JSON name."""
        if self._fields is None:
            self._fields = self._resolve()
        return self._fields

    @property
    def go_name(self) -> str:
        """The bare name of the struct, as decode errors print it: ``Container``."""
        return self.go_type.rpartition(".")[2]
