"""Label selectors: the text form (``app=web,tier in (a,b),!gone``) and the LabelSelector object of metav1.

A selector is compiled once into a function of an object's labels, because a list or a watch asks it thousands of times.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from kapi.meta.errors import (
    FieldError,
    bad_request,
    field_forbidden,
    field_invalid,
    field_required,
    go_quote,
)
from kapi.meta.names import label_value, qualified_name

Labels = Mapping[str, str]
Matcher = Callable[[Labels], bool]

_INT64: Final = 1 << 63
_SIGNS = {"Equals": "=", "DoubleEquals": "==", "NotEquals": "!=", "GreaterThan": ">", "LessThan": "<"}
_OPERATORS: Final = {
    "=": "Equals",
    "==": "DoubleEquals",
    "!=": "NotEquals",
    "in": "In",
    "notin": "NotIn",
    ">": "GreaterThan",
    "<": "LessThan",
}
_OBJECT_OPERATORS: Final = ("In", "NotIn", "Exists", "DoesNotExist")


class Requirement(NamedTuple):
    """One term of a selector; ``values`` are sorted. Operators are those of ``selection.Operator``."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the term in selector syntax."""
        if self.operator == "Exists":
            return self.key
        if self.operator == "DoesNotExist":
            return f"!{self.key}"
        sign = _SIGNS.get(self.operator)
        if sign is not None:
            return f"{self.key}{sign}{self.values[0]}"
        return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"


def _int64(text: str) -> int | None:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits or len(digits) > 40 or not digits.isascii() or not digits.isdigit():
        return None
    number = int(text)
    return number if -_INT64 <= number < _INT64 else None


def _compile(requirements: tuple[Requirement, ...]) -> Matcher:
    if not requirements:
        return lambda labels: True
    if len(requirements) == 1:
        return _compile_one(requirements[0])
    matchers = [_compile_one(requirement) for requirement in requirements]
    if len(matchers) == 2:
        first, second = matchers
        return lambda labels: first(labels) and second(labels)
    return lambda labels: all(matcher(labels) for matcher in matchers)


def _compile_one(requirement: Requirement) -> Matcher:
    key, operator, values = requirement
    if operator == "Exists":
        return lambda labels: key in labels
    if operator == "DoesNotExist":
        return lambda labels: key not in labels
    if operator in ("GreaterThan", "LessThan"):
        return _compile_comparison(key, operator, int(values[0]))
    negative = operator in ("NotIn", "NotEquals")
    if len(values) == 1:
        value = values[0]
        if negative:
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    wanted = frozenset(values)
    if negative:
        return lambda labels: labels.get(key) not in wanted
    return lambda labels: labels.get(key) in wanted


def _compile_comparison(key: str, operator: str, bound: int) -> Matcher:
    greater = operator == "GreaterThan"

    def matches(labels: Labels) -> bool:
        number = _int64(labels.get(key, ""))
        return number is not None and (number > bound if greater else number < bound)

    return matches


class Selector:
    """A conjunction of terms. ``matches`` takes the labels of an object and says whether all terms hold."""

    __slots__ = ("matches", "requirements")

    def __init__(self, requirements: Iterable[Requirement] = ()) -> None:
        """Take the terms; none means that everything matches."""
        self.requirements = tuple(sorted(requirements, key=lambda r: r.key))
        self.matches: Matcher = _compile(self.requirements)

    @property
    def empty(self) -> bool:
        """Whether the selector lets everything through."""
        return not self.requirements

    def __str__(self) -> str:
        """Return the selector text, terms sorted by key."""
        return ",".join(map(str, self.requirements))


class _Nothing(Selector):
    """Matches no object: what an absent LabelSelector means."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()
        self.matches = lambda labels: False

    @property
    def empty(self) -> bool:
        return False


EVERYTHING = Selector()
"""The selector without terms."""
NOTHING: Selector = _Nothing()
"""The selector that no object satisfies."""


def selector_from_dict(labels: Labels) -> Selector:
    """Return the selector that demands all of ``labels``; none means everything."""
    return Selector(Requirement(key, "Equals", (value,)) for key, value in labels.items())


def label_selector_from_object(selector: Mapping[str, Any] | None) -> Selector:
    """Return the selector that a LabelSelector object stands for: absent matches nothing, empty everything.

    Raises ValueError for an operator that does not exist or values that do not fit it.
    """
    if selector is None:
        return NOTHING
    requirements = [Requirement(k, "Equals", (v,)) for k, v in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = expression.get("operator", "")
        if operator not in _OBJECT_OPERATORS:
            raise ValueError(f"{go_quote(operator)} is not a valid label selector operator")
        values = expression.get("values") or ()
        requirements.append(_requirement(expression.get("key", ""), operator, values))
    return Selector(requirements)


def validate_label_selector(selector: Mapping[str, Any] | None, path: str) -> list[FieldError]:
    """Return what is wrong with a LabelSelector object at ``path``."""
    if not selector:
        return []
    errors = validate_labels(selector.get("matchLabels") or {}, f"{path}.matchLabels")
    for i, expression in enumerate(selector.get("matchExpressions") or ()):
        errors += _validate_expression(expression, f"{path}.matchExpressions[{i}]")
    return errors


def _validate_expression(expression: Mapping[str, Any], path: str) -> list[FieldError]:
    errors = []
    operator, values = expression.get("operator", ""), expression.get("values") or ()
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            errors.append(field_required(f"{path}.values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            errors.append(field_forbidden(f"{path}.values", detail))
    else:
        errors.append(field_invalid(f"{path}.operator", operator, "not a valid selector operator"))
    key = expression.get("key", "")
    errors += [field_invalid(f"{path}.key", key, problem) for problem in qualified_name(key)]
    for i, value in enumerate(values):
        errors += [field_invalid(f"{path}.values[{i}]", value, problem) for problem in label_value(value)]
    return errors


def validate_labels(labels: Labels, path: str) -> list[FieldError]:
    """Return what is wrong with the keys and values of ``labels``."""
    errors = []
    for key, value in labels.items():
        errors += [field_invalid(path, key, problem) for problem in qualified_name(key)]
        errors += [field_invalid(path, value, problem) for problem in label_value(value)]
    return errors


def _requirement(key: str, operator: str, values: Iterable[str]) -> Requirement:
    """Check and return a term; raises ValueError in apimachinery's words."""
    ordered = tuple(sorted(set(values)))
    problem = _key_problem(key) or _arity_problem(operator, ordered)
    if problem:
        raise ValueError(problem)
    for i, value in enumerate(ordered):
        if operator in ("GreaterThan", "LessThan") and _int64(value) is None:
            detail = "for 'Gt', 'Lt' operators, the value must be an integer"
            raise ValueError(str(field_invalid(f"values[{i}]", value, detail)))
        found = label_value(value)
        if found:
            raise ValueError(str(field_invalid(f"values[{i}][{key}]", value, "; ".join(found))))
    return Requirement(key, operator, ordered)


def _key_problem(key: str) -> str:
    problems = qualified_name(key)
    return str(field_invalid("<nil>", key, "; ".join(problems))) if problems else ""


def _arity_problem(operator: str, values: tuple[str, ...]) -> str:
    detail = ""
    if operator in ("In", "NotIn"):
        detail = "" if values else "for 'in', 'notin' operators, values set can't be empty"
    elif operator in ("Exists", "DoesNotExist"):
        detail = "values set must be empty for exists and does not exist" if values else ""
    elif len(values) != 1:
        detail = "exact-match compatibility requires one single value"
    return str(field_invalid("values", list(values), detail)) if detail else ""


def parse_label_selector(text: str) -> Selector:
    """Parse the text of a selector; raises a 400 StatusError in apimachinery's words."""
    if not text:
        return EVERYTHING
    try:
        return Selector(_Parser(text).parse())
    except ValueError as ex:
        raise bad_request(str(ex)) from None


_SPECIAL: Final = "=!(),<>"
_SPACE: Final = " \t\r\n"
_END: Final = "\0"
"""The token after the last one; a NUL ends a selector, as it does in the reference."""


def _tokens(text: str) -> list[str]:
    """Cut a selector into identifiers and signs."""
    out: list[str] = []
    at, end = 0, text.find(_END)
    end = len(text) if end < 0 else end
    while at < end:
        ch = text[at]
        start = at
        at += 1
        if ch in _SPACE:
            continue
        if ch in _SPECIAL:
            if ch in "=!" and at < end and text[at] == "=":
                at += 1
        else:
            while at < end and text[at] not in _SPECIAL and text[at] not in _SPACE:
                at += 1
        out.append(text[start:at])
    return out


class _Parser:
    """Recursive descent over the tokens of one selector. Every method raises ValueError."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._tokens.reverse()

    def parse(self) -> list[Requirement]:
        requirements: list[Requirement] = []
        while True:
            token = self._peek()
            if token == _END:
                return requirements
            if not _is_identifier(token) and token != "!":
                raise ValueError(f"found '{_shown(token)}', expected: !, identifier, or 'end of string'")
            try:
                requirements.append(self._requirement())
            except ValueError as ex:
                raise ValueError(f"unable to parse requirement: {ex}") from None
            if self._ended():
                return requirements

    def _ended(self) -> bool:
        token = self._next()
        if token == _END:
            return True
        if token != ",":
            raise ValueError(f"found '{_shown(token)}', expected: ',' or 'end of string'")
        following = self._peek()
        if not _is_identifier(following) and following != "!":
            raise ValueError(f"found '{_shown(following)}', expected: identifier after ','")
        return False

    def _requirement(self) -> Requirement:
        token = self._next()
        absent = token == "!"
        if absent:
            token = self._next()
        if not _is_identifier(token):
            raise ValueError(f"found '{_shown(token)}', expected: identifier")
        problem = _key_problem(token)
        if problem:
            raise ValueError(problem)
        if absent:
            return Requirement(token, "DoesNotExist")
        if self._peek() in (_END, ","):
            return Requirement(token, "Exists")
        sign = self._next()
        operator = _OPERATORS.get(sign)
        if operator is None:
            raise ValueError(f"found '{_shown(sign)}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._values() if operator in ("In", "NotIn") else [self._value()]
        return _requirement(token, operator, values)

    def _value(self) -> str:
        if self._peek() in (_END, ","):
            return ""
        token = self._next()
        if not _is_identifier(token):
            raise ValueError(f"found '{_shown(token)}', expected: identifier")
        return token

    def _values(self) -> list[str]:
        token = self._next()
        if token != "(":
            raise ValueError(f"found '{_shown(token)}' expected: '('")
        first = self._peek()
        if first == ")":
            self._next()
            return [""]
        if first != "," and not _is_identifier(first):
            raise ValueError(f"found '{_shown(first)}', expected: ',', ')' or identifier")
        values = self._identifiers()
        closing = self._next()
        if closing != ")":
            raise ValueError(f"found '{_shown(first)}', expected: ')'")
        return values

    def _identifiers(self) -> list[str]:
        values: list[str] = []
        while True:
            token = self._next()
            following = self._peek()
            if _is_identifier(token):
                values.append(token)
                if following == ")":
                    return values
                if following != ",":
                    raise ValueError(f"found '{_shown(following)}', expected: ',' or ')'")
            elif token == ",":
                if self._comma(values, following):
                    return values
            else:
                raise ValueError(f"found '{_shown(token)}', expected: ',', or identifier")

    def _comma(self, values: list[str], following: str) -> bool:
        """Note the empty values around a comma; tell whether the list ends here."""
        if not values:
            values.append("")
        if following == ")":
            values.append("")
            return True
        if following == ",":
            self._next()
            values.append("")
        return False

    def _peek(self) -> str:
        return self._tokens[-1] if self._tokens else _END

    def _next(self) -> str:
        return self._tokens.pop() if self._tokens else _END


def _is_identifier(token: str) -> bool:
    return token[0] not in _SPECIAL and token != _END


def _shown(token: str) -> str:
    return "" if token == _END else token
