"""What plugins import is explained where it is defined."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import ROOT

CORE = ROOT / "core" / "kapi"
PUBLIC = (CORE / "hookspecs.py", *sorted((CORE / "contracts").glob("*.py")), *sorted((CORE / "testing").glob("*.py")))

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def public(body: list[ast.stmt], inside: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield the public classes, functions and methods of a body with their names."""
    for node in body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            yield f"{inside}{node.name}", node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body, f"{node.name}.")


@pytest.mark.parametrize("path", PUBLIC, ids=lambda path: path.relative_to(CORE).as_posix())
def test_every_public_name_has_a_docstring(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    tests = path.parent.name == "testing"
    missing = [name for name, node in public(tree.body) if not ast.get_docstring(node)]
    assert [name for name in missing if not (tests and ".test_" in name)] == []
