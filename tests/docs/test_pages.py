"""What pages say must be so: links lead somewhere, code compiles, commands and flags exist."""

import re
from pathlib import Path

import pytest
from pages import PAGES, ROOT, blocks, name_of

from kapi.cli.program import build
from kapi.server.contributions import load

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FLAG = re.compile(r"(?<![\w-])--([a-z][a-z0-9-]*[a-z0-9])")
_ELSEWHERE = re.compile(
    r"\b(kubectl|pip|git|pytest|uvicorn|curl|openssl|sqlite3|systemctl|gunicorn -|benchmarks|make bench)\b"
)
_OWN_FLAGS = {"help", "version", "output", "user", "group", "days", "server", "write"} | {
    "format", "force", "margin", "revision", "no-raise-revision",
}  # fmt: skip
"""Those of commands other than ``kapi serve``."""

each_page = pytest.mark.parametrize("page", PAGES, ids=name_of)


def headings(page: Path) -> set[str]:
    """Return the anchors of a page, as its renderers make them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert not anchor or anchor in headings(there), target


@each_page
def test_python_compiles(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python":
            compile(block.text, f"{name_of(page)}:{block.start}", "exec")


@each_page
def test_flags_exist(page: Path) -> None:
    known = load().flag_table().keys() | _OWN_FLAGS | acme_flags()
    for line in page.read_text().splitlines():
        if "greetings" in line or _ELSEWHERE.search(line.partition("kapi serve")[0]):
            continue
        for flag in _FLAG.findall(line):
            one_of_two = re.sub("^(from|to)-", "", flag)  # of kapi storage copy
            assert flag in known or one_of_two in known or flag.endswith("-"), line


def acme_flags() -> set[str]:
    """Return the flags that plugins declare on the pages themselves."""
    text = "".join(page.read_text() for page in PAGES)
    return set(re.findall(r'Option\("([a-z0-9-]+)"', text))


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    make ([a-z]+)|`make ([a-z]+)`", page.read_text(), re.MULTILINE)) <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }


@each_page
def test_commands_of_kapi_exist(page: Path) -> None:
    cli = build()
    known = {info.name for info in (*cli.registered_commands, *cli.registered_groups)}
    assert known >= {"serve", "plugins", "kubeconfig", "version"}
    used = re.findall(r"(?:^    |`)(?:[A-Z_]+=\S+ )?kapi ([a-z]+)", page.read_text(), re.MULTILINE)
    assert set(used) <= known


def test_the_readme_leads_to_every_page() -> None:
    text = (ROOT / "README.md").read_text()
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in text]
    assert missing == []


def test_the_changelog_names_this_version() -> None:
    from kapi import __version__

    assert f"## {__version__} " in (ROOT / "CHANGELOG.md").read_text()
