"""docs/hooks.md has every hook with its real signature, an example from the tree; and every hook has a test."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

from pages import DOCS, ROOT, Block, blocks

from kapi import hookspecs

PAGE = DOCS / "hooks.md"


def specs() -> Iterator[ast.FunctionDef]:
    """Yield the definitions of all hooks."""
    for node in ast.parse(inspect.getsource(hookspecs)).body:
        if isinstance(node, ast.FunctionDef):
            yield node


def annotation(node: ast.expr | None) -> str:
    """Return an annotation as it is read: without the quotes that keep it from being evaluated."""
    assert node is not None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ast.unparse(node)


def signature(spec: ast.FunctionDef) -> str:
    parameters = ", ".join(f"{item.arg}: {annotation(item.annotation)}" for item in spec.args.args)
    return f"{spec.name}({parameters}) -> {annotation(spec.returns)}"


def test_every_hook_has_its_heading_in_the_order_of_the_module() -> None:
    headings = re.findall(r"^## `(kapi_.+)`$", PAGE.read_text(), re.MULTILINE)
    assert headings == [signature(spec) for spec in specs()]


def test_every_hook_has_a_test() -> None:
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def test_hook_(\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert {spec.name for spec in specs()} == defined


def sections() -> Iterator[tuple[str, list[Block]]]:
    text = PAGE.read_text()
    starts = [match.start() for match in re.finditer("^## `", text, re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        yield text[start:end], [block for block in blocks(PAGE) if start < block.start < end]


def test_every_example_is_taken_from_the_file_that_it_names() -> None:
    for text, found in sections():
        source = re.search(r"^From \[`(.+?)`\]", text, re.MULTILINE)
        assert source, text
        assert len(found) == 1, text
        code = (ROOT / source[1]).read_text()
        assert any(textwrap.indent(found[0].text, " " * depth) in code for depth in (0, 4)), found[0].text


def test_every_hook_is_described_in_the_module() -> None:
    assert [spec.name for spec in specs() if not ast.get_docstring(spec)] == []
