from pathlib import Path

import pytest

from kapi.admission.chain import build_admission
from kapi.admission.create_permission import CreatePermission
from kapi.authz.union import AuthorizerUnion
from kapi.contracts.admission import AdmissionAttributes
from kapi.contracts.authn import UserInfo
from kapi.contracts.plugins import BuildContext, Options
from kapi.meta.errors import StatusError
from kapi.meta.gvk import GroupVersionKind, GroupVersionResource

NOBODY_MAY = AuthorizerUnion([])


def creation(verb: str, *groups: str) -> AdmissionAttributes:
    return AdmissionAttributes(
        operation="CREATE",
        kind=GroupVersionKind("", "v1", "ConfigMap"),
        resource=GroupVersionResource("", "v1", "configmaps"),
        subresource="",
        namespace="ns",
        name="new",
        object={"metadata": {"name": "new"}},
        load_old=None,
        user=UserInfo("bob", groups=groups),
        dry_run=False,
        verb=verb,
    )


@pytest.mark.parametrize("verb", ["patch", "update"])
async def test_creating_by_another_verb_takes_the_right_to_create(verb: str) -> None:
    with pytest.raises(StatusError) as caught:
        await CreatePermission(NOBODY_MAY).validate(creation(verb))
    assert caught.value.message == (
        'configmaps "new" is forbidden: User "bob" cannot create resource "configmaps" in API group "" '
        'in the namespace "ns"'
    )
    await CreatePermission(NOBODY_MAY).validate(creation(verb, "system:masters"))


async def test_creations_as_such_have_been_authorized_before() -> None:
    await CreatePermission(NOBODY_MAY).validate(creation("create"))


async def test_every_chain_begins_with_the_check() -> None:
    options = Options({"disable-admission-plugins": ("CreatePermission",)})
    chain = build_admission([], BuildContext(options, Path(), authorizer=NOBODY_MAY))
    with pytest.raises(StatusError):
        await chain.validate(creation("patch"))
