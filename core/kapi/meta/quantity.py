"""Quantities: ``500m``, ``1Gi``, ``2e3`` (``resource.Quantity``, "Resource Management" in the API conventions).

A quantity is an exact decimal number with the notation in which it was written: decimal suffixes, binary suffixes or
an exponent. Digits below 10⁻⁹ are rounded away from zero. The canonical text has no fraction, the
largest possible suffix, and at most three trailing zeros in the notation of the input.
"""

import functools
import re
from enum import Enum
from typing import NamedTuple

FORMAT_MESSAGE = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
NUMERIC_MESSAGE = "unable to parse numeric part of quantity"
SUFFIX_MESSAGE = "unable to parse quantity's suffix"

_NANO = 9
_MILLI = -3
_MAX_BINARY = 2**63 - 1
_MAX_INT64 = 2**63 - 1
_MAX_DIGITS = 1000
_MAX_EXPONENT = 1000
_CACHED_LENGTH = 32

_SHAPE = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_DECIMAL_NAMES = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_BINARY_NAMES = {0: "", **{exponent: suffix for suffix, exponent in _BINARY.items()}}
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)


class QuantityError(ValueError):
    """The text is not a quantity; the message is the one that kube-apiserver gives."""


class Notation(Enum):
    """How a quantity was written."""

    DECIMAL = "DecimalSI"
    BINARY = "BinarySI"
    EXPONENT = "DecimalExponent"


class _Parts(NamedTuple):
    negative: bool
    whole: str
    fraction: str
    suffix: str


@functools.total_ordering
class Quantity:
    """An immutable quantity: ``unscaled`` · 10^``exponent``. Compares and hashes by its value alone."""

    __slots__ = ("exponent", "notation", "unscaled")

    def __init__(self, unscaled: int, exponent: int = 0, notation: Notation = Notation.DECIMAL) -> None:
        """Take the number and the notation to print it in."""
        self.unscaled = unscaled
        self.exponent = exponent
        self.notation = notation

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Quantity):
            return NotImplemented
        return self._nanos() == other._nanos()

    def __lt__(self, other: "Quantity") -> bool:
        return self._nanos() < other._nanos()

    def __hash__(self) -> int:
        return hash(self._nanos())

    def __add__(self, other: "Quantity") -> "Quantity":
        """Return the sum, in this notation (in the other's, if this is zero)."""
        notation = self.notation if self.unscaled else other.notation
        low = min(self.exponent, other.exponent)
        total = self.unscaled * _power(self.exponent - low) + other.unscaled * _power(other.exponent - low)
        return Quantity(total, low, notation)

    def __neg__(self) -> "Quantity":
        return Quantity(-self.unscaled, self.exponent, self.notation)

    def __sub__(self, other: "Quantity") -> "Quantity":
        """Return the difference, in this notation (in the other's, if this is zero)."""
        return self + -other

    def __bool__(self) -> bool:
        return self.unscaled != 0

    def __repr__(self) -> str:
        return f"Quantity({str(self)!r})"

    def __str__(self) -> str:
        """Return the canonical text."""
        if not self.unscaled:
            return "0"
        if self.notation is Notation.BINARY:
            whole = self._whole()
            if whole is not None and abs(whole) >= 1024:
                return _binary_text(whole)
        return _decimal_text(self.unscaled, self.exponent, self.notation is Notation.EXPONENT)

    def ceil(self, exponent: int = 0) -> int:
        """Return the number in units of 10^``exponent``, rounded away from zero (-3: milli-units)."""
        if self.exponent >= exponent:
            return self.unscaled * _power(self.exponent - exponent)
        return _divide_up(self.unscaled, _power(exponent - self.exponent))

    def rounded_up(self, exponent: int) -> "Quantity":
        """Return the quantity in whole units of 10^``exponent``, rounded away from zero."""
        if self.exponent >= exponent:
            return self
        return Quantity(self.ceil(exponent), exponent, self.notation)

    def _nanos(self) -> int:
        return self.ceil(-_NANO)

    def _whole(self) -> int | None:
        if self.exponent >= 0:
            return self.unscaled * _power(self.exponent)
        whole, rest = divmod(self.unscaled, _power(-self.exponent))
        return None if rest else whole


def parse(text: str) -> Quantity:
    """Read a quantity; raises QuantityError.

    Numbers with more than 1,000 digits, or exponents beyond ±1,000, are refused.
    """
    if text == "0":
        return Quantity(0)
    return _value(_split(text))


def canonical(text: str) -> str:
    """Return the text as it is stored: unchanged where it is simple enough, in canonical form otherwise.

    Raises QuantityError.
    """
    return _cached_canonical(text) if len(text) <= _CACHED_LENGTH else _canonical(text)


def canonical_milli(text: str) -> str:
    """Return the text as it is stored, rounded away from zero to whole thousandths.

    The amounts of resources (``v1.ResourceList``) are stored like that. Raises QuantityError.
    """
    return _cached_milli(text) if len(text) <= _CACHED_LENGTH else _canonical_milli(text)


def _canonical_milli(text: str) -> str:
    quantity = parse(text)
    return _canonical(text) if quantity.exponent >= _MILLI else str(quantity.rounded_up(_MILLI))


_cached_milli = functools.lru_cache(maxsize=2048)(_canonical_milli)


def _canonical(text: str) -> str:
    if text == "0":
        return text
    parts = _split(text)
    quantity = _value(parts)
    return text if _stands_as_written(parts) else str(quantity)


_cached_canonical = functools.lru_cache(maxsize=2048)(_canonical)


def _split(text: str) -> _Parts:
    match = _SHAPE.fullmatch(text) if text else None
    if match is None:
        raise QuantityError(FORMAT_MESSAGE)
    sign, whole, fraction, suffix = match.groups()
    if len(text) > _MAX_DIGITS:
        raise QuantityError(NUMERIC_MESSAGE)
    return _Parts(sign == "-", whole or "0", fraction or "", suffix)


def _suffix(suffix: str) -> tuple[int, Notation]:
    if suffix in _DECIMAL:
        return _DECIMAL[suffix], Notation.DECIMAL
    if suffix in _BINARY:
        return _BINARY[suffix], Notation.BINARY
    match = _EXPONENT.fullmatch(suffix)
    if match is None or len(suffix) > 8 or abs(int(match[1])) > _MAX_EXPONENT:
        raise QuantityError(SUFFIX_MESSAGE)
    return int(match[1]), Notation.EXPONENT


def _value(parts: _Parts) -> Quantity:
    power, notation = _suffix(parts.suffix)
    unscaled = int(parts.whole + parts.fraction)
    exponent = -len(parts.fraction)
    if notation is Notation.BINARY:
        unscaled, exponent, notation = _binary_value(unscaled << power, exponent)
    else:
        exponent += power
    if exponent < -_NANO:
        unscaled, exponent = _divide_up(unscaled, _power(-_NANO - exponent)), -_NANO
    return Quantity(-unscaled if parts.negative else unscaled, exponent, notation)


def _binary_value(unscaled: int, exponent: int) -> tuple[int, int, Notation]:
    one = _power(-exponent)
    if unscaled > _MAX_BINARY * one:
        return _MAX_BINARY, 0, Notation.BINARY
    return unscaled, exponent, Notation.DECIMAL if 0 < unscaled < one else Notation.BINARY


def _stands_as_written(parts: _Parts) -> bool:
    """Tell whether the reference keeps the text instead of printing the number anew."""
    power, notation = _suffix(parts.suffix)
    if notation is Notation.BINARY:
        value = int(parts.whole)
        precision = 15 - len(parts.whole) - int(power * 3 / 10) - 1
        return not parts.fraction and precision >= 0 and value << power <= _MAX_INT64 and value & 7 != 0
    scale = power - len(parts.fraction)
    digits = parts.whole + parts.fraction
    exact = len(digits) <= 18 and scale >= -_NANO
    return exact and scale % 3 == 0 and not digits.endswith("000") and digits[0] != "0"


def _power(exponent: int) -> int:
    return int(10**exponent)


def _divide_up(number: int, divisor: int) -> int:
    return -(-number // divisor) if number > 0 else number // divisor


def _decimal_text(unscaled: int, exponent: int, with_exponent: bool) -> str:
    digits = str(unscaled)
    stripped = digits.rstrip("0")
    exponent += len(digits) - len(stripped)
    zeros = exponent % 3
    exponent -= zeros
    number = stripped + "0" * zeros
    if with_exponent or exponent not in _DECIMAL_NAMES:
        return f"{number}e{exponent}" if exponent else number
    return number + _DECIMAL_NAMES[exponent]


def _binary_text(whole: int) -> str:
    power = 0
    while whole % 1024 == 0 and power < 60:
        whole //= 1024
        power += 10
    return f"{whole}{_BINARY_NAMES[power]}"
