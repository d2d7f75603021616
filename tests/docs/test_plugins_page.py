"""The module that docs/plugins.md builds is a plugin, and does what the page says."""

import asyncio
import sys
from pathlib import Path
from types import ModuleType

import pytest
import typer
from pages import DOCS, blocks
from typer.testing import CliRunner

from kapi import hookspecs
from kapi.cli.listing import plugin_rows
from kapi.contracts.authn import UserInfo
from kapi.contracts.authz import Attributes, Verdict
from kapi.server.plugins import discover
from kapi.testing.asgi import AsgiClient
from tiny_plugins import Workshop

PAGE = DOCS / "plugins.md"
SHELVES = "/apis/acme.example.com/v1/namespaces/default/shelves"
COUNTED = "acme.example.com/boards"


def code(after: str, before: str = "") -> list[str]:
    """Return the Python of the page between two headings."""
    text = PAGE.read_text()
    start, end = text.index(after), text.index(before) if before else len(text)
    return [block.text for block in blocks(PAGE) if block.language == "python" and start <= block.start < end]


def as_module(name: str, text: str) -> ModuleType:
    module = ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
    return module


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the page, importable."""
    module = as_module("acme_kapi", "\n\n".join(code("# Writing", "## Packaging")))
    monkeypatch.setitem(sys.modules, "acme_kapi", module)
    return module


@pytest.fixture
def workshop(acme: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Workshop:
    made = Workshop(monkeypatch, tmp_path)
    made.install("acme", acme)
    return made


def shelf(name: str, **spec: object) -> dict[str, object]:
    return {
        "apiVersion": "acme.example.com/v1",
        "kind": "Shelf",
        "metadata": {"name": name},
        "spec": {"room": "hall", **spec},
    }


def test_the_module_uses_every_hook(acme: ModuleType) -> None:
    specs = {name for name in vars(hookspecs) if name.startswith("kapi_")}
    assert {name for name in vars(acme) if name.startswith("kapi_")} == specs


def test_the_module_is_listed_with_all_that_it_contributes(workshop: Workshop) -> None:
    rows = [row for row in plugin_rows(workshop.assemble()) if row.plugin == "kapi.extensions:acme"]
    assert [(row.family, row.name) for row in rows] == [
        ("storage", "acme"), ("authenticator", "turnstile"), ("authorizer", "Librarians"), ("admission", "OwnerLabel"),
        ("filter", "signature"), ("link", "motd"), ("controller", "board-counter"), ("apigroup", "acme.example.com"),
    ]  # fmt: skip


async def test_the_module_does_what_the_page_says(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("open\n")
    flags = ("--acme-motd=Hello.", f"--acme-turnstile-file={tmp_path}/secret", "--controllers=board-counter")
    async with workshop.serving(*flags) as client:
        motd = await client.request("GET", "/acme/motd")
        assert (motd.body, motd.header("x-served-by")) == (b"Hello.\n", "acme")
        assert (await client.request("GET", "/readyz/acme-motd")).body == b"ok"
        await _check_people(client)
        await _check_shelves(client)


async def _check_people(client: AsgiClient) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    known = await client.request("POST", path, review, {"x-acme-person": "ann", "x-acme-turnstile": "open"})
    user = known.json()["status"]["userInfo"]
    assert user == {"username": "ann", "groups": ["acme:people", "system:authenticated"]}
    assert (await client.request("POST", path, review, {"x-acme-person": "ann"})).status == 401


async def _check_shelves(client: AsgiClient) -> None:
    made = (await client.request("POST", SHELVES, shelf("a"))).json()
    assert made["spec"] == {"room": "hall", "boards": 4}
    assert made["metadata"]["labels"] == {"acme.example.com/owner": "tester"}
    await _counted(client)
    moved = await client.request("PUT", f"{SHELVES}/a", shelf("a", room="attic"))
    assert (moved.status, "spec.room" in moved.json()["message"]) == (422, True)
    orphan = shelf("b") | {"metadata": {"name": "b", "labels": {"acme.example.com/owner": "nobody"}}}
    assert "everything has an owner" in (await client.request("POST", SHELVES, orphan)).json()["message"]


async def _counted(client: AsgiClient) -> None:
    async with asyncio.timeout(5), client.watch(f"{SHELVES}?watch=1&resourceVersion=0") as events:
        while COUNTED not in (await events.next())["object"]["metadata"].get("annotations", {}):
            pass


async def test_librarians_may_do_anything_with_shelves_and_others_nothing(acme: ModuleType, workshop: Workshop) -> None:
    librarian = UserInfo("lib", groups=("acme:librarians",))
    asked = Attributes(librarian, "delete", True, group="acme.example.com", resource="shelves")
    assert (await acme.Librarians().authorize(asked)).verdict is Verdict.ALLOW
    assert (await acme.Librarians().authorize(asked._replace(group="apps"))).verdict is Verdict.NO_OPINION
    async with workshop.serving("--authorization-mode=Librarians") as client:
        assert (await client.request("GET", SHELVES)).status == 403


def test_the_command_prints_a_manifest(workshop: Workshop) -> None:
    cli = typer.Typer()
    cli.callback()(lambda: None)
    workshop.load().add_commands(cli)
    assert "spec: {room: hall}" in CliRunner().invoke(cli, ["acme-shelf", "a", "hall"]).stdout


async def test_the_test_of_the_controller_passes(acme: ModuleType) -> None:
    (text,) = [text for text in code("## Testing") if "test_boards_are_counted" in text]
    await as_module("test_acme", text).test_boards_are_counted()


def test_the_page_names_the_groups_of_entry_points() -> None:
    from kapi.server.plugins import GROUPS

    text = PAGE.read_text()
    assert [group for group in GROUPS if f"`{group}`" not in text] == []
    assert {source.group for source in discover() if source.distribution == "kapi"} <= set(GROUPS)
