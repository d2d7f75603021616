"""setup.cfg lists packages and plugins by hand: these tests compare the lists with what is on disk."""

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg")
    return parser


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def roots(setup: configparser.ConfigParser) -> dict[str, Path]:
    pairs = (line.split("=") for line in lines(setup["options"]["package_dir"]))
    return {name.strip(): ROOT / folder.strip() for name, folder in pairs}


def test_every_package_on_disk_is_in_the_wheel(setup):
    found = set()
    for name, folder in roots(setup).items():
        for init in folder.rglob("__init__.py"):
            found.add(".".join([name, *init.parent.relative_to(folder).parts]))
    assert found == set(lines(setup["options"]["packages"]))


def test_every_module_is_in_a_package(setup):
    for folder in roots(setup).values():
        stray = [path for path in folder.rglob("*.py") if not (path.parent / "__init__.py").exists()]
        assert stray == []


def test_every_root_is_typed(setup):
    assert [str(folder) for folder in roots(setup).values() if not (folder / "py.typed").exists()] == []


def test_every_data_file_is_in_the_wheel(setup):
    patterns = {item.strip() for line in lines(setup["options.package_data"]["*"]) for item in line.split(",")}
    for folder in roots(setup).values():
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                assert any(path.match(pattern) for pattern in patterns), path


def entry_points(setup: configparser.ConfigParser) -> dict[str, str]:
    """Return the modules that entry points name, with their groups."""
    groups = {key: value for key, value in setup["options.entry_points"].items() if key.startswith("kapi.")}
    return {line.partition("=")[2].strip(): group for group, text in groups.items() for line in lines(text)}


def test_every_module_with_a_hook_has_an_entry_point(setup):
    hooked = set()
    for name, folder in roots(setup).items():
        if name == "kapi":
            continue
        for path in folder.rglob("*.py"):
            if re.search(r"^\s*@hookimpl", path.read_text(), re.MULTILINE):
                parts = [name, *path.relative_to(folder).with_suffix("").parts]
                hooked.add(".".join(parts).removesuffix(".__init__"))
    assert hooked == set(entry_points(setup))


def test_the_core_has_no_hook_of_its_own():
    assert [
        str(path) for path in (ROOT / "core").rglob("*.py") if re.search(r"^@hookimpl", path.read_text(), re.M)
    ] == []


def test_entry_points_are_in_the_group_of_their_package(setup):
    for module, group in entry_points(setup).items():
        family = module.partition(".")[0].removeprefix("kapi_")
        assert group == f"kapi.{family}", module


def test_the_licence_and_the_version_are_there():
    assert (ROOT / "LICENSE").read_text().lstrip().startswith("Apache License")
    version = re.search(r'__version__ = "(.+)"', (ROOT / "core/kapi/__init__.py").read_text())
    assert version
    assert f"## {version[1]}" in (ROOT / "CHANGELOG.md").read_text()
