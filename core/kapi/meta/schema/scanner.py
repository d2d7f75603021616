"""What Go's ``encoding/json`` says about a text that is not JSON.

:func:`syntax_error` is only called when the fast parser has refused a text, to find the words for the refusal. It
begins at the token that the fast parser stumbled over, as a large text would keep the process busy otherwise, and
keeps its own stack, so that depth costs no recursion.
"""

import re

MAX_DEPTH = 10_000

_UNEXPECTED_END = "unexpected end of JSON input"
_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_NUMBER = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_FULL_STRING = re.compile(_STRING)
_SCALAR = re.compile(rf"{_STRING}|{_NUMBER}(?![0-9.eE])|true|false|null")
_STRING_START = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
_COMPLETE = re.compile(r'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_STRINGS = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_WORD_END = re.compile(r"[0-9a-zA-Z+.-]*\Z")
_NO_BRACKETS = re.compile(r"[^\[\]{}]++")
_NO_SPACE = {ord(space): None for space in " \t\r\n"}
_DIGITS = re.compile(r"[0-9]*")
_LITERALS = {"t": "true", "f": "false", "n": "null"}


class _Stop(Exception):
    """Carries the message of the first error."""


def syntax_error(text: str, near: int) -> str:
    """Return Go's message about the first syntax error of ``text``, which is in the token around ``near``.

    Returns "" when there is no error up to the end of the container that the token is in.
    """
    start = _token_start(text, near)
    structure = _STRINGS.sub('"', text[:start]).translate(_NO_SPACE)
    try:
        _scan(text, start, _innermost(structure), structure[-2:])
    except _Stop as stop:
        return str(stop)
    return ""


def _token_start(text: str, near: int) -> int:
    complete = _COMPLETE.match(text, 0, near)
    end = complete.end() if complete else 0
    word = _WORD_END.search(text, 0, near)
    return end if end < near or word is None else word.start()


def _innermost(structure: str) -> list[str]:
    """Return the bracket of the innermost container that is still open, as a stack."""
    depth = 0
    for bracket in reversed(_NO_BRACKETS.sub("", structure)):
        depth += 1 if bracket in "]}" else -1
        if depth < 0:
            return [bracket]
    return []


def _scan(text: str, position: int, stack: list[str], before: str) -> None:
    """Go on from a token; ``before`` holds the two tokens before it, by their last character."""
    previous = before[-1:]
    if stack == ["{"]:
        if before in ('{"', ',"'):
            position, previous = _colon(text, position), ":"
        elif previous in ("{", ","):
            position, previous = _key(text, position), ":"
    if previous in ("", "[", ",", ":"):
        position = _value_start(text, position, stack)
    while stack:
        position = _after_value(text, position, stack)
        if before and not stack:
            return
    position = _skip(text, position)
    if position < len(text):
        raise _invalid(text, position, "after top-level value")


def _value_start(text: str, position: int, stack: list[str]) -> int:
    """Step over a scalar, or into a container until its first scalar or its end."""
    while True:
        position = _skip(text, position)
        opening = text[position : position + 1]
        if opening not in ("{", "["):
            return _scalar(text, position)
        stack.append(opening)
        if len(stack) > MAX_DEPTH:
            raise _Stop("exceeded max depth")
        position = _skip(text, position + 1)
        if text[position : position + 1] == ("}" if opening == "{" else "]"):
            stack.pop()
            return position + 1
        if opening == "{":
            position = _key(text, position)


def _after_value(text: str, position: int, stack: list[str]) -> int:
    """Step over what follows a value inside the innermost container, and the next value if there is one."""
    position = _skip(text, position)
    opening = stack[-1]
    following = text[position : position + 1]
    if following == ("}" if opening == "{" else "]"):
        stack.pop()
        return position + 1
    if following != ",":
        raise _invalid(text, position, "after object key:value pair" if opening == "{" else "after array element")
    position += 1
    return _value_start(text, _key(text, position) if opening == "{" else position, stack)


def _key(text: str, position: int) -> int:
    position = _skip(text, position)
    if text[position : position + 1] != '"':
        raise _invalid(text, position, "looking for beginning of object key string")
    return _colon(text, _string(text, position))


def _colon(text: str, position: int) -> int:
    position = _skip(text, position)
    if text[position : position + 1] != ":":
        raise _invalid(text, position, "after object key")
    return position + 1


def _scalar(text: str, position: int) -> int:
    match = _SCALAR.match(text, position)
    if match:
        return match.end()
    first = text[position : position + 1]
    if first == '"':
        return _string(text, position)
    if first in _LITERALS:
        raise _bad_literal(text, position, _LITERALS[first])
    if first == "-" or first.isdecimal() and first.isascii():
        return _number(text, position)
    raise _invalid(text, position, "looking for beginning of value")


def _string(text: str, position: int) -> int:
    match = _FULL_STRING.match(text, position)
    if match:
        return match.end()
    start = _STRING_START.match(text, position)
    position = start.end() if start else position
    if text[position : position + 1] != "\\":
        raise _invalid(text, position, "in string literal")
    if text[position + 1 : position + 2] != "u":
        raise _invalid(text, position + 1, "in string escape code")
    position += 2
    while text[position : position + 1] in "0123456789abcdefABCDEF" and position < len(text):
        position += 1
    raise _invalid(text, position, "in \\u hexadecimal character escape")


def _number(text: str, position: int) -> int:
    """Step over as much of a number as is one; raise where a digit is missing."""
    if text[position] == "-":
        position = _need_digit(text, position + 1, "in numeric literal")
    position = position + 1 if text[position] == "0" else _digits(text, position)
    if text[position : position + 1] == ".":
        position = _digits(text, _need_digit(text, position + 1, "after decimal point in numeric literal"))
    if text[position : position + 1] in ("e", "E"):
        position += 2 if text[position + 1 : position + 2] in ("+", "-") else 1
        position = _digits(text, _need_digit(text, position, "in exponent of numeric literal"))
    return position


def _need_digit(text: str, position: int, context: str) -> int:
    if text[position : position + 1] in "0123456789" and position < len(text):
        return position
    raise _invalid(text, position, context)


def _digits(text: str, position: int) -> int:
    match = _DIGITS.match(text, position)
    return match.end() if match else position


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _bad_literal(text: str, position: int, literal: str) -> _Stop:
    for offset, expected in enumerate(literal):
        if text[position + offset : position + offset + 1] != expected:
            return _invalid(text, position + offset, f"in literal {literal} (expecting {_quote(expected)})")
    return _invalid(text, position, "looking for beginning of value")


def _invalid(text: str, position: int, context: str) -> _Stop:
    if position >= len(text):
        return _Stop(_UNEXPECTED_END)
    return _Stop(f"invalid character {_quote(text[position])} {context}")


def _quote(character: str) -> str:
    if character in "'\\":
        return f"'\\{character}'"
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    elif code > 0x7F:
        code = character.encode("utf-8", "surrogatepass")[0]
    if 0x20 <= code < 0x7F or 0xA1 <= code <= 0xFF and code != 0xAD:
        return f"'{chr(code)}'"
    short = {7: r"\a", 8: r"\b", 9: r"\t", 10: r"\n", 11: r"\v", 12: r"\f", 13: r"\r"}
    if code in short:
        return f"'{short[code]}'"
    return f"'\\x{code:02x}'" if code < 0x80 else f"'\\u{code:04x}'"
