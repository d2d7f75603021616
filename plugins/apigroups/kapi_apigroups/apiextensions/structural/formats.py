"""The string formats that kube-apiserver checks in custom resources; others are ignored, as it does."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from kapi.meta.names import dns1123_label, dns1123_subdomain
from kapi.meta.schema.gotime import TimeError, canonical_time

Fits = Callable[[str], bool]


def _matches(pattern: str) -> Fits:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: len(text) <= 4096 and compiled.fullmatch(text) is not None


def _address(version: int) -> Fits:
    def fits(text: str) -> bool:
        try:
            return ipaddress.ip_address(text).version == version and "%" not in text
        except ValueError:
            return False

    return fits


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return "/" in text


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


def _is_time(text: str) -> bool:
    try:
        canonical_time(text)
    except TimeError:
        return False
    return True


def _is_uri(text: str) -> bool:
    """Accept what Go's url.ParseRequestURI accepts: an absolute URI, or an absolute path."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme) or text.startswith("/")


def _is_card_number(text: str) -> bool:
    digits = [int(each) for each in re.sub(r"[ -]", "", text) if each.isdigit()]
    doubled = sum(sum(divmod(2 * each, 10)) for each in digits[-2::-2])
    return 12 <= len(digits) <= 19 and (doubled + sum(digits[-1::-2])) % 10 == 0


def _is_isbn10(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"\d{9}[\dX]", digits, re.ASCII):
        return False
    values = [10 if each == "X" else int(each) for each in digits]
    return sum((10 - place) * value for place, value in enumerate(values)) % 11 == 0


def _is_isbn13(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"\d{13}", digits, re.ASCII):
        return False
    return sum(int(each) * (3 if place % 2 else 1) for place, each in enumerate(digits)) % 10 == 0


_UUID = r"(?i:[0-9a-f]{8}-?[0-9a-f]{4}-?%s-?%s-?[0-9a-f]{12})"
_HEX = "[0-9a-fA-F]"
_BYTE = r"(?:0|[1-9]\d?|1\d\d|2[0-4]\d|25[0-5])"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_AMOUNT = r"(?:\d+(?:\.\d*)?|\.\d+)"

FORMATS: Final[Mapping[str, Fits]] = {
    "bsonobjectid": _matches(_HEX + "{24}"),
    "byte": _is_base64,
    "cidr": _is_network,
    "creditcard": _is_card_number,
    "date": _is_date,
    "date-time": _is_time,
    "datetime": _is_time,
    "duration": _matches(rf"[+-]?(?:{_AMOUNT}\s*(?:ns|us|µs|ms|[smhdw]|(?:second|minute|hour|day|week)s?))+"),
    "email": _matches(r"[^\s@<>()\[\],;:\\\"]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?"),
    "hexcolor": _matches(rf"#?(?:{_HEX}{{3}}|{_HEX}{{6}})"),
    "hostname": _matches(rf"(?:{_LABEL}\.)*{_LABEL}"),
    "ipv4": _address(4),
    "ipv6": _address(6),
    "isbn": lambda text: _is_isbn10(text) or _is_isbn13(text),
    "isbn10": _is_isbn10,
    "isbn13": _is_isbn13,
    "k8s-long-name": lambda text: not dns1123_subdomain(text),
    "k8s-short-name": lambda text: not dns1123_label(text),
    "mac": _matches(rf"{_HEX}{{2}}(?:[:-]{_HEX}{{2}}){{5}}|{_HEX}{{4}}(?:\.{_HEX}{{4}}){{2}}"),
    "rgbcolor": _matches(rf"rgb\(\s*{_BYTE}\s*(?:,\s*{_BYTE}\s*){{2}}\)"),
    "ssn": _matches(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "uri": _is_uri,
    "uuid": _matches(_UUID % ("[0-9a-f]{4}", "[0-9a-f]{4}")),
    "uuid3": _matches(_UUID % ("3[0-9a-f]{3}", "[0-9a-f]{4}")),
    "uuid4": _matches(_UUID % ("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}")),
    "uuid5": _matches(_UUID % ("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}")),
}
