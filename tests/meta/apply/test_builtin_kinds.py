"""Field ownership of built-in kinds, by the published facts about them."""

from importlib import resources

import pytest
from apply_kinds import NOW, entries, owned, without_nulls

from kapi.meta.apply.managed import apply, track_update
from kapi.meta.errors import StatusError
from kapi.meta.patch.strategic import apply_strategic_merge_patch
from kapi.meta.schema.tables import Definitions, metav1_definitions

STATUS = {"f:status": {}}


@pytest.fixture(scope="module")
def definitions():
    data = resources.files("kapi_apigroups.facts").joinpath("definitions.json").read_bytes()
    return Definitions.load(data, metav1_definitions())


@pytest.fixture
def deployment(definitions):
    return definitions.struct("io.k8s.api.apps.v1.Deployment")


def config(*containers, **spec):
    if containers:
        spec["template"] = {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": list(containers)}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}


def applied(struct, live, wanted, manager, force=False):
    options = {"struct": struct, "manager": manager, "api_version": "apps/v1", "now": NOW, "ignored": STATUS}
    return without_nulls(apply(live, wanted, force=force, **options))


def fields_of_containers(obj, manager):
    return owned(obj)[manager]["f:spec"]["f:template"]["f:spec"]["f:containers"]


def test_a_created_deployment(deployment):
    container = {
        "name": "c",
        "image": "img:1",
        "resources": {"requests": {"cpu": "100m"}},
        "livenessProbe": {"httpGet": {"path": "/", "port": 80}},
    }
    obj = config(container, replicas=1, selector={"matchLabels": {"app": "d"}}, strategy={"type": "Recreate"})
    obj["spec"]["template"]["spec"]["securityContext"] = {}
    obj["status"] = {}
    track_update(None, obj, struct=deployment, manager="m", api_version="apps/v1", now=NOW, ignored=STATUS)
    probe = {".": {}, "f:httpGet": {".": {}, "f:path": {}, "f:port": {}}}
    item = {
        ".": {},
        "f:image": {},
        "f:livenessProbe": probe,
        "f:name": {},
        "f:resources": {".": {}, "f:requests": {".": {}, "f:cpu": {}}},
    }
    assert owned(obj)["m"] == {
        "f:spec": {
            "f:replicas": {},
            "f:selector": {},
            "f:strategy": {"f:type": {}},
            "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
                "f:spec": {"f:containers": {'k:{"name":"c"}': item}, "f:securityContext": {}},
            },
        }
    }


def test_a_created_binding_to_a_role(definitions):
    obj = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "b"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "User", "name": "u"}],
    }
    struct = definitions.struct("io.k8s.api.rbac.v1.RoleBinding")
    track_update(None, obj, struct=struct, manager="m", api_version=obj["apiVersion"], now=NOW)
    assert owned(obj)["m"] == {"f:roleRef": {}, "f:subjects": {}}


def test_two_appliers_of_one_container(deployment):
    env = [{"name": "A", "value": "1"}]
    live = applied(deployment, None, config({"name": "c", "image": "i", "env": env}), "aa")
    both = applied(deployment, live, config({"name": "c", "env": [{"name": "B", "value": "2"}]}), "bb")
    assert both["spec"]["template"]["spec"]["containers"] == [
        {"name": "c", "image": "i", "env": [*env, {"name": "B", "value": "2"}]}
    ]
    assert fields_of_containers(both, "bb") == {
        'k:{"name":"c"}': {
            ".": {},
            "f:env": {'k:{"name":"B"}': {".": {}, "f:name": {}, "f:value": {}}},
            "f:name": {},
        }
    }
    rest = applied(deployment, both, config({"name": "c", "image": "i"}), "aa")
    assert rest["spec"]["template"]["spec"]["containers"][0]["env"] == [{"name": "B", "value": "2"}]


def test_ports_have_default_keys(deployment):
    live = applied(deployment, None, config({"name": "c", "ports": [{"containerPort": 80}]}), "aa")
    key = 'k:{"containerPort":80,"protocol":"TCP"}'
    assert fields_of_containers(live, "aa")['k:{"name":"c"}']["f:ports"] == {key: {".": {}, "f:containerPort": {}}}
    twice = config({"name": "c", "ports": [{"containerPort": 9}, {"containerPort": 9, "protocol": "TCP"}]})
    with pytest.raises(StatusError) as caught:
        applied(deployment, live, twice, "bb")
    assert caught.value.message.endswith(
        '.spec.template.spec.containers[name="c"].ports: duplicate entries for key [containerPort=9,protocol="TCP"]'
    )


def test_an_item_without_its_key_is_left_to_validation(deployment):
    live = applied(deployment, None, config({"name": "c"}), "aa")
    result = applied(deployment, live, config({"image": "nokey"}), "bb")
    assert result["spec"]["template"]["spec"]["containers"] == [{"name": "c"}, {"image": "nokey"}]


def test_atomic_fields_conflict_as_a_whole(deployment):
    live = applied(deployment, None, config(selector={"matchLabels": {"a": "1"}}), "aa")
    with pytest.raises(StatusError) as caught:
        applied(deployment, live, config(selector={"matchLabels": {"b": "1"}}), "bb")
    assert caught.value.details["causes"][0]["field"] == ".spec.selector"
    forced = applied(deployment, live, config(selector={"matchLabels": {"b": "1"}}), "bb", force=True)
    assert [entry["manager"] for entry in entries(forced)] == ["bb"]


def test_a_misspelt_field(deployment):
    with pytest.raises(StatusError) as caught:
        applied(deployment, None, config({"name": "c", "imag": "x"}), "aa")
    assert caught.value.message == (
        "failed to create typed patch object (/d; apps/v1, Kind=Deployment): "
        '.spec.template.spec.containers[name="c"].imag: field not declared in schema'
    )


def test_a_strategic_merge_patch_of_a_deployment(deployment):
    live = config({"name": "c", "image": "i"}, {"name": "d", "image": "i"})
    patch = {
        "spec": {"template": {"spec": {"containers": [{"name": "d", "image": "j"}, {"name": "c", "$patch": "delete"}]}}}
    }
    result = apply_strategic_merge_patch(live, patch, deployment)
    assert result["spec"]["template"]["spec"]["containers"] == [{"name": "d", "image": "j"}]
