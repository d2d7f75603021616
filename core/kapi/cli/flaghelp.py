"""The text of ``kapi serve --help``: flags by group, as kube-apiserver prints them."""

import shutil
import textwrap
from typing import Any

from kapi.config.durations import format_duration
from kapi.config.flags import FlagTable
from kapi.contracts.plugins import Option

_SHOWN_TYPES = {"bool": "", "path": "file", "array": "strings", "map": "name=value,..."}
_HEAD = """\
Serves a Kubernetes-compatible API. Without flags: on https://127.0.0.1:6443, with a SQLite database, a certificate
authority and an administrator's kubeconfig in the data folder, and RBAC authorization.

Usage:
  kapi serve [flags]
"""


def flag_help(table: FlagTable, width: int | None = None) -> str:
    """Return the help for all flags in ``table``, wrapped at ``width`` (default: the terminal's)."""
    columns = width or min(shutil.get_terminal_size().columns, 120)
    parts = [_HEAD]
    for group, options in table.groups().items():
        parts.append(f"{group} flags:\n")
        parts += [_entry(option, columns) for option in options]
    parts.append("Global flags:\n")
    parts.append(_entry(Option("help", "bool", False, "Show this."), columns))
    return "\n".join(parts)


def _entry(option: Option, columns: int) -> str:
    shown = _SHOWN_TYPES.get(option.type, option.type)
    default = _default(option.default)
    head = f"      --{option.name}" + (f" {shown}" if shown else "") + (f"     [default {default}]" if default else "")
    text = option.help
    if option.deprecated:
        text += f" Deprecated: {option.deprecated}."
    if option.planned:
        text += " (no effect yet)"
    indent = " " * 16
    body = textwrap.fill(text, max(columns, 40), initial_indent=indent, subsequent_indent=indent)
    return f"{head}\n{body}\n"


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, float):
        return format_duration(value) if value else ""
    return str(value) if value or value == 0 and value is not False else ""
