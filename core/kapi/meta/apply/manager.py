"""Names of field managers."""

import unicodedata

from kapi.meta.errors import FieldError, field_invalid, field_too_long

MAX_LENGTH = 128


def default_manager(user_agent: str) -> str:
    """Return the manager of a request that names none: the User-Agent up to the first slash, printable and short."""
    name, length = "", 0
    given = user_agent.partition("/")[0]
    if given.isascii() and given.isprintable() and len(given) <= MAX_LENGTH:
        return given
    for char in given:
        if not is_printable(char):
            continue
        length += len(char.encode("utf-8", "surrogatepass"))
        if length > MAX_LENGTH:
            break
        name += char
    return name


def validate_manager(manager: str, field: str = "fieldManager") -> list[FieldError]:
    """Return what is wrong with the name of a manager: more than 128 bytes, or characters that do not print."""
    errors = []
    encoded = manager.encode("utf-8", "surrogatepass")
    if len(encoded) > MAX_LENGTH:
        errors.append(field_too_long(field, MAX_LENGTH))
    position = 0
    for char in manager:
        if not is_printable(char):
            detail = f"invalid character U+{ord(char):04X} (at position {position})"
            errors.append(field_invalid(field, manager, detail))
        position += len(char.encode("utf-8", "surrogatepass"))
    return errors


def is_printable(char: str) -> bool:
    """Tell whether a character prints: letters, marks, numbers, punctuation, symbols and the ASCII space."""
    return char == " " or unicodedata.category(char)[0] in "LMNPS"
