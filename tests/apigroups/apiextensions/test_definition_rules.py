import pytest

VERSION = {"name": "v1", "served": True, "storage": True}
SPEC = {"group": "x.io", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"}, "versions": [VERSION]}


@pytest.fixture
def definitions(kind_bench):
    return kind_bench("apiextensions", "customresourcedefinitions")


def test_names_and_conversion(definitions):
    spec = definitions.create(spec=SPEC)["spec"]
    assert spec["names"] == {"plural": "things", "kind": "Thing", "singular": "thing", "listKind": "ThingList"}
    assert spec["conversion"] == {"strategy": "None"}


def test_the_status_remembers_storage_versions(definitions):
    old = definitions.create(spec=SPEC, status={"storedVersions": ["fake"]})
    assert old["status"]["storedVersions"] == ["v1"]
    versions = [{**VERSION, "storage": False}, {**VERSION, "name": "v2"}]
    new = definitions.update(old, spec={**SPEC, "versions": versions})
    assert new["status"]["storedVersions"] == ["v1", "v2"]


def test_is_stored_below_its_group(definitions):
    assert definitions.resource.storage_prefix == "apiextensions.k8s.io/customresourcedefinitions"
