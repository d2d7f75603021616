from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from kapi.admission import chain as chain_module
from kapi.admission.chain import ORDER, AdmissionChain, Member, build_admission, enabled, position
from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation, refusal
from kapi.contracts.authn import UserInfo
from kapi.contracts.plugins import BuildContext, Options
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupResource, GroupVersionKind, GroupVersionResource


class Controller:
    """Notes that it was asked, and refuses on demand."""

    def __init__(self, name: str, log: list[str], *operations: Operation, refuses: bool = False) -> None:
        self.name = name
        self.log = log
        self.operations = operations or ("CREATE",)
        self.refuses = refuses
        self.resources: Collection[GroupResource] | None = None

    def handles(self, operation: Operation) -> bool:
        return operation in self.operations

    def note(self, what: str, attributes: AdmissionAttributes) -> None:
        self.log.append(f"{what} {self.name}")
        if self.refuses:
            raise refusal(attributes, f"{self.name} says no")


class Mutating(Controller):
    async def admit(self, attributes: AdmissionAttributes) -> None:
        self.note("admit", attributes)


class Validating(Controller):
    async def validate(self, attributes: AdmissionAttributes) -> None:
        self.note("validate", attributes)


class Both(Mutating, Validating):
    pass


def attributes(operation: Operation = "CREATE", **members: Any) -> AdmissionAttributes:
    return AdmissionAttributes(
        **{
            "operation": operation,
            "kind": GroupVersionKind("", "v1", "Pod"),
            "resource": GroupVersionResource("", "v1", "pods"),
            "subresource": "",
            "namespace": "ns",
            "name": "",
            "object": {"metadata": {"name": "p"}},
            "load_old": None,
            "user": UserInfo("u"),
            "dry_run": False,
            **members,
        }
    )


async def test_order_is_the_table_with_others_before_the_policies() -> None:
    log: list[str] = []
    names = [
        "ValidatingAdmissionWebhook",
        "zeta",
        "ResourceQuota",
        "NamespaceLifecycle",
        "alpha",
        "MutatingAdmissionPolicy",
    ]
    chain = AdmissionChain(Member(name, Both(name, log)) for name in names)
    await chain.mutate(attributes())
    await chain.validate(attributes())
    expected = [
        "NamespaceLifecycle",
        "alpha",
        "zeta",
        "MutatingAdmissionPolicy",
        "ValidatingAdmissionWebhook",
        "ResourceQuota",
    ]
    assert log == [f"admit {name}" for name in expected] + [f"validate {name}" for name in expected]


async def test_a_controller_sees_only_what_it_handles() -> None:
    log: list[str] = []
    chain = AdmissionChain(
        [Member("a", Mutating("a", log, "CREATE", "DELETE")), Member("b", Validating("b", log, "DELETE"))]
    )
    for operation in ("CREATE", "UPDATE", "CONNECT"):
        await chain.mutate(attributes(operation))
        await chain.validate(attributes(operation))
    assert log == ["admit a"]
    assert [chain.handles(operation) for operation in ("CREATE", "UPDATE", "DELETE")] == [True, False, True]


async def test_a_controller_sees_only_the_resources_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_module, "MAX_REMEMBERED", 2)
    log: list[str] = []
    picky = Both("picky", log, "CREATE")
    picky.resources = (GroupResource("apps", "deployments"), GroupResource("", "pods"))
    chain = AdmissionChain([Member("picky", picky), Member("z", Both("z", log, "CREATE"))])
    for group, version, resource in (("", "v1", "pods"), ("apps", "v1", "pods"), ("apps", "v2", "deployments")) * 2:
        write = attributes(resource=GroupVersionResource(group, version, resource), subresource="status")
        await chain.mutate(write)
        await chain.validate(write)
    both, one = ["admit picky", "admit z", "validate picky", "validate z"], ["admit z", "validate z"]
    assert log == (both + one + both) * 2


async def test_the_first_refusal_ends_it() -> None:
    log: list[str] = []
    chain = AdmissionChain([Member("a", Both("a", log, refuses=True)), Member("b", Both("b", log))])
    with pytest.raises(StatusError, match='^pods "p" is forbidden: a says no$'):
        await chain.mutate(attributes())
    assert log == ["admit a"]


@pytest.mark.parametrize(
    ("obj", "name", "shown"),
    [
        ({"metadata": {"name": "p"}}, "", 'pods "p" is'),
        ({"metadata": {"generateName": "p-"}}, "", 'pods "p-" is'),
        ({"metadata": {}}, "", "pods is"),
        (None, "q", 'pods "q" is'),
    ],
)
def test_refusals_name_the_object(obj: dict[str, Any] | None, name: str, shown: str) -> None:
    error = refusal(attributes(object=obj, name=name), "no")
    assert error.code == 403
    assert error.message == f"{shown} forbidden: no"


def plugin(name: str, *, on: bool = True, configured: bool = True) -> AdmissionPlugin:
    return AdmissionPlugin(name, "", lambda context: Mutating(name, []) if configured else None, default_enabled=on)


def test_flags_choose() -> None:
    plugins = [plugin("a"), plugin("b"), plugin("c", on=False), plugin("d", on=False)]
    chosen = enabled(plugins, on=["c"], off=["b"])
    assert [found.name for found in chosen] == ["a", "c"]


def test_the_chain_is_built_from_what_is_enabled_and_configured() -> None:
    options = Options({"enable-admission-plugins": ("c",), "disable-admission-plugins": ("a",)})
    plugins = [plugin("a"), plugin("c", on=False), plugin("d", configured=False), plugin("NamespaceLifecycle")]
    chain = build_admission(plugins, BuildContext(options, Path()))
    assert [member.name for member in chain.members] == ["NamespaceLifecycle", "c"]


def test_the_table_ends_with_those_that_must_be_last() -> None:
    assert ORDER[-2:] == ("ResourceQuota", "AlwaysDeny")
    assert position("DenyServiceExternalIPs") < position("anything") < position("MutatingAdmissionPolicy")
    assert len(set(ORDER)) == len(ORDER)
