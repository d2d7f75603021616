"""Discovery and loading, with distributions that exist only in a folder on sys.path."""

import sys
from pathlib import Path

import pytest

from kapi.contracts.plugins import BuildContext, Options
from kapi.server.contributions import LoadedPlugins
from kapi.server.plugins import PluginError, PluginSet, Source, choose, discover

HEAD = "from kapi.hookspecs import hookimpl\n"
AUTHZ = """
from kapi.contracts.authz import AuthorizerPlugin
def build(context): ...
@hookimpl
def kapi_register_authorizers():
    return [AuthorizerPlugin({name!r}, "a test", build)]
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a function that installs a distribution made of modules and entry points."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)

    def install(distribution: str, points: dict[str, dict[str, str]], modules: dict[str, str], version="1.2") -> None:
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(HEAD + text)
        info = tmp_path / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in items.items()) for group, items in points.items()]
        (info / "entry_points.txt").write_text("\n".join(lines))

    yield install
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").is_relative_to(tmp_path):
            del sys.modules[name]


def sources(*names: str) -> list[Source]:
    found = {source.name: source for source in discover()}
    return [found[name] for name in names]


def loaded(*names: str, trace=None) -> LoadedPlugins:
    chosen = sources(*names)
    return LoadedPlugins(PluginSet(chosen, trace), chosen)


def refused(*names: str) -> str:
    with pytest.raises(PluginError) as caught:
        loaded(*names).flag_table()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def install_one(site, text: str, group: str = "kapi.authz") -> None:
    site("acme-kapi", {group: {"acme": "acme_mod"}}, {"acme_mod": text})


def test_finds_what_is_installed_with_its_origin(site):
    install_one(site, AUTHZ.format(name="Acme"))
    assert sources("acme") == [Source("kapi.authz", "acme", "acme-kapi", "1.2", "acme_mod")]
    assert "acme_mod" not in sys.modules


def test_built_in_plugins_come_through_the_same_door():
    assert {source.id for source in discover() if source.distribution == "kapi"} >= {
        "kapi.storage:sqlite", "kapi.authz:rbac",
    }  # fmt: skip


def test_loads_descriptors_with_their_provenance(site):
    install_one(site, AUTHZ.format(name="Acme"))
    plugins = loaded("acme")
    (item,) = plugins.authorizers
    assert (item.descriptor.name, item.source.distribution) == ("Acme", "acme-kapi")
    assert plugins.authorizer("Acme") is item.descriptor
    assert plugins.filters == ()


def test_an_import_error_names_the_distribution_and_the_remedy(site):
    install_one(site, "import no_such_module_anywhere")
    assert refused("acme") == (
        "plugin kapi.authz:acme of acme-kapi 1.2 (acme_mod): import failed: ModuleNotFoundError: No module named "
        "'no_such_module_anywhere'; fix or uninstall acme-kapi, or start with --disable-plugins=kapi.authz:acme"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("syntax error here", "import failed: SyntaxError"),
        ("raise RuntimeError('two\\nlines')", "import failed: RuntimeError: two lines"),
        ("@hookimpl\nasync def kapi_register_options(): ...", "kapi_register_options is async"),
        ("@hookimpl\nasync def kapi_register_options():\n    yield 1", "kapi_register_options is async"),
        ("@hookimpl\ndef kapi_register_optoins(): ...", "there is no hook kapi_register_optoins"),
        ("@hookimpl\ndef kapi_register_options(surprise): ...", "surprise"),
        ("@hookimpl(wrapper=True)\ndef kapi_register_options():\n    return (yield)", "is a hook wrapper"),
        ("@hookimpl\ndef kapi_register_options(): return 1/0", "kapi_register_options failed: ZeroDivisionError"),
        ("@hookimpl\ndef kapi_register_options(): return 'x'", "not a list of descriptors"),
        ("@hookimpl\ndef kapi_register_options(): return ['x']", "object of the type str where Option is expected"),
        ("@hookimpl\ndef kapi_register_authorizers(): return [3]", "where AuthorizerPlugin is expected"),
        (AUTHZ.format(name="bad name"), "'bad name' is no valid name"),
        (AUTHZ.format(name=""), "'' is no valid name"),
        (AUTHZ.format(name="A").replace("build)]", "None)]"), "build of 'A' cannot be called"),
        (AUTHZ.format(name="A").replace("build)]", "build, options=('x',))]"), "are not all of the type Option"),
        (
            "from kapi.contracts.authn import AuthenticatorPlugin\n@hookimpl\ndef kapi_register_authenticators():\n"
            "    return [AuthenticatorPlugin('a', '', 'midday', print)]",
            "'midday' is no phase",
        ),
    ],
)
def test_breaches_of_the_contract_are_told_in_a_line(site, text, problem):
    install_one(site, text)
    message = refused("acme")
    assert message.startswith("plugin kapi.authz:acme of acme-kapi 1.2 (acme_mod): ")
    assert problem in message
    assert message.endswith("or start with --disable-plugins=kapi.authz:acme")


def test_two_plugins_of_one_name_in_a_family_are_refused(site):
    site("one", {"kapi.authz": {"one": "mod_one"}}, {"mod_one": AUTHZ.format(name="Same")})
    site("two", {"kapi.authz": {"two": "mod_two"}}, {"mod_two": AUTHZ.format(name="Same")})
    message = refused("one", "two")
    assert message.startswith("plugin kapi.authz:two of two 1.2 (mod_two): AuthorizerPlugin 'Same' exists already: ")
    assert "plugin kapi.authz:one of one 1.2" in message


def test_one_plugin_may_not_use_a_name_twice(site):
    install_one(site, AUTHZ.format(name="A").replace("build)]", "build), AuthorizerPlugin('A', '', build)]"))
    assert "'A' exists already" in refused("acme")


def test_two_distributions_with_one_entry_point_name_are_refused(site):
    site("one", {"kapi.authz": {"same": "mod_one"}}, {"mod_one": ""})
    site("two", {"kapi.authz": {"same": "mod_two"}}, {"mod_two": ""})
    with pytest.raises(PluginError, match="has a plugin of that name too; uninstall one of the two"):
        discover()


def test_equal_names_in_two_groups_are_two_plugins(site):
    site("one", {"kapi.authz": {"same": "m1"}, "kapi.authn": {"same": "m2"}}, {"m1": "", "m2": ""})
    assert {s.id for s in discover() if s.name == "same"} == {"kapi.authz:same", "kapi.authn:same"}


def test_one_module_behind_two_entry_points_is_asked_once(site):
    site("one", {"kapi.authz": {"a": "m1"}, "kapi.authn": {"b": "m1"}}, {"m1": AUTHZ.format(name="Once")})
    assert len(loaded("a", "b").authorizers) == 1


def test_flags_of_plugins_join_the_table(site):
    install_one(
        site,
        "from kapi.contracts.plugins import Option\n@hookimpl\ndef kapi_register_options():\n"
        "    return [Option('acme-url', 'string', '', 'Where acme is.', group='Acme')]",
    )
    assert loaded("acme").flag_table().groups()["Acme"][0].name == "acme-url"


def test_a_flag_that_contradicts_another_is_told(site):
    install_one(
        site,
        "from kapi.contracts.plugins import Option\n@hookimpl\ndef kapi_register_options():\n"
        "    return [Option('secure-port', 'string', '', '.')]",
    )
    with pytest.raises(PluginError, match="acme-kapi 1.2 .*--secure-port exists already with type int, not string"):
        loaded("acme").flag_table()


def test_order_comes_from_the_core_not_from_pluggy(site):
    text = (
        "from kapi.contracts.authn import AuthenticatorPlugin as P\n@hookimpl\ndef kapi_register_authenticators():\n"
        "    return [P(n, '', p, print) for n, p in {items}]"
    )
    site(
        "one",
        {"kapi.authn": {"a1": "m1", "a2": "m2"}},
        {
            "m1": text.format(items="[('z', 'token'), ('nobody', 'anonymous')]"),
            "m2": text.format(items="[('b', 'token'), ('cert', 'certificate')]"),
        },
    )
    names = [item.descriptor.name for item in loaded("a1", "a2").authenticators]
    assert names == ["cert", "b", "z", "nobody"]
    assert [item.descriptor.name for item in loaded("a2", "a1").authenticators] == names


GROUP = """
from kapi.contracts.resources import APIGroup, APIVersion, Resource
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource
@hookimpl
def kapi_register_api_groups(context):
    gvr = GroupVersionResource("acme.io", "v1", "things")
    resource = Resource(gvr, GroupVersionKind("acme.io", "v1", "Thing"), "thing", True, ("get",), dict)
    return [APIGroup("acme.io", (APIVersion("v1", (resource,)),))]
"""


def test_a_resource_is_served_by_one_plugin_only(site):
    site("one", {"kapi.apigroups": {"a": "m1", "b": "m2"}}, {"m1": GROUP, "m2": GROUP})
    context = BuildContext(Options({}), Path("/"))
    assert [item.descriptor.name for item in loaded("a").api_groups(context)] == ["acme.io"]
    with pytest.raises(PluginError, match=r"the resource things in acme\.io/v1 exists already"):
        loaded("a", "b").api_groups(context)


def test_calls_can_be_traced(site):
    install_one(site, AUTHZ.format(name="Acme"))
    lines: list[str] = []
    loaded("acme", trace=lines.append)
    assert any(line.startswith("kapi_register_authorizers of kapi.authz:acme in ") for line in lines)


def test_two_servers_in_a_process_do_not_share_plugins(site):
    install_one(site, AUTHZ.format(name="Acme"))
    assert len(loaded("acme").authorizers) == 1
    assert loaded().authorizers == ()


FOUND = [
    Source("kapi.authn", "one", "d", "1", "m"),
    Source("kapi.authn", "two", "d", "1", "m"),
    Source("kapi.authz", "one", "d", "1", "m"),
]


@pytest.mark.parametrize(
    ("allowed", "refused_", "chosen"),
    [
        (["*"], [], ["kapi.authn:one", "kapi.authn:two", "kapi.authz:one"]),
        (["one"], [], ["kapi.authn:one", "kapi.authz:one"]),
        (["kapi.authz:one"], [], ["kapi.authz:one"]),
        (["authn:*"], ["two"], ["kapi.authn:one"]),
        (["*"], ["authn:*"], ["kapi.authz:one"]),
        ([], [], []),
    ],
)
def test_lists_choose(allowed, refused_, chosen):
    assert [source.id for source in choose(FOUND, allowed, refused_)] == chosen


@pytest.mark.parametrize(
    ("allowed", "refused_", "text"),
    [
        (["oen"], [], r"--plugins: no plugin 'oen' is installed \(did you mean one\?\)"),
        (["*"], ["storage:one"], r"--disable-plugins: no plugin 'storage:one' is installed"),
        (["storage:*"], [], r"--plugins: no plugin 'storage:\*' is installed"),
    ],
)
def test_names_of_nothing_are_refused(allowed, refused_, text):
    with pytest.raises(PluginError, match=text):
        choose(FOUND, allowed, refused_)
