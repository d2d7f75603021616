"""Objects as YAML text."""

from typing import Any

import yaml

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def to_yaml(obj: Any) -> bytes:
    """Return YAML with sorted keys and block style, as ``kubectl -o yaml`` prints it."""
    text: str = yaml.dump(
        obj, Dumper=_Dumper, sort_keys=True, default_flow_style=False, allow_unicode=True, width=2**31
    )
    return text.encode()
