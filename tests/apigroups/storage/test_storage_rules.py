import pytest


class TestCSIDriver:
    @pytest.fixture
    def drivers(self, kind_bench):
        return kind_bench("storage", "csidrivers")

    def test_defaults(self, drivers):
        assert drivers.create()["spec"] == {
            "attachRequired": True,
            "podInfoOnMount": False,
            "volumeLifecycleModes": ["Persistent"],
            "storageCapacity": False,
            "fsGroupPolicy": "ReadWriteOnceWithFSType",
            "requiresRepublish": False,
            "seLinuxMount": False,
        }
        assert drivers.problems == []

    def test_only_changes_of_the_spec_count(self, drivers):
        first = drivers.create()
        assert "generation" not in first["metadata"]
        assert "generation" not in drivers.update(first)["metadata"]
        second = drivers.update(first, spec={"podInfoOnMount": True})
        assert second["metadata"]["generation"] == 1
        assert drivers.update(second, spec={})["metadata"]["generation"] == 2

    def test_attachment_is_immutable(self, drivers):
        drivers.update(drivers.create(), spec={"attachRequired": False})
        assert drivers.problems == ["spec.attachedRequired: Invalid value: false: field is immutable"]

    def test_tokens_in_the_context_warn(self, drivers):
        spec = {"tokenRequests": [{"audience": "a"}]}
        drivers.create(spec=spec)
        assert len(drivers.warnings) == 1
        drivers.create(spec={**spec, "serviceAccountTokenInSecrets": True})
        assert drivers.warnings == []

    def test_audiences_are_distinct(self, drivers):
        spec = {"tokenRequests": [{"audience": "a"}, {"audience": "a"}]}
        assert drivers.findings(spec=spec) == ['spec.tokenRequests[1].audience: Duplicate value: "a"']


class TestCSINode:
    @pytest.fixture
    def nodes(self, kind_bench):
        return kind_bench("storage", "csinodes")

    def test_known_drivers_stay_as_they_are(self, nodes):
        driver = {"name": "d.io", "nodeID": "n", "topologyKeys": ["a"]}
        old = nodes.create(spec={"drivers": [driver]})
        nodes.update(old, spec={"drivers": [{**driver, "allocatable": {"count": 3}}, {"name": "e.io", "nodeID": "m"}]})
        assert nodes.problems == []
        nodes.update(old, spec={"drivers": [{**driver, "nodeID": "other"}]})
        assert [problem.partition(":")[0] for problem in nodes.problems] == ["spec.drivers[0]"]

    def test_findings(self, nodes):
        assert nodes.findings(spec={"drivers": [{}]}) == [
            "spec.drivers[0].name: Required value",
            "spec.drivers[0].nodeID: Required value",
        ]


class TestStorageClass:
    @pytest.fixture
    def classes(self, kind_bench):
        return kind_bench("storage", "storageclasses")

    def test_defaults(self, classes):
        obj = classes.create(provisioner="x.io/p")
        assert (obj["reclaimPolicy"], obj["volumeBindingMode"]) == ("Delete", "Immediate")
        assert classes.problems == []

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            ("provisioner", "q"),
            ("reclaimPolicy", "Retain"),
            ("volumeBindingMode", "WaitForFirstConsumer"),
            ("parameters", {"a": "b"}),
        ],
    )
    def test_how_volumes_are_made_is_immutable(self, classes, member, value):
        old = classes.create(provisioner="x")
        classes.update(old, **{"provisioner": "x", member: value})
        assert [problem.partition(":")[0] for problem in classes.problems] == [member]

    def test_mount_options_may_change(self, classes):
        classes.update(classes.create(provisioner="x"), provisioner="x", mountOptions=["a"])
        assert classes.problems == []

    def test_equal_topologies_are_duplicates(self, classes):
        term = {"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}
        found = classes.findings(provisioner="x", allowedTopologies=[term, term])
        assert found == ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""']


def test_attributes_classes_never_change(kind_bench):
    classes = kind_bench("storage", "volumeattributesclasses")
    old = classes.create(driverName="d", parameters={"a": "b"})
    assert classes.problems == []
    classes.update(old, driverName="e", parameters={"a": "c"})
    assert classes.problems == [
        "driverName: Forbidden: updates to driverName are forbidden.",
        "parameters: Forbidden: updates to parameters are forbidden.",
    ]


def test_attachments_start_detached(kind_bench):
    attachments = kind_bench("storage", "volumeattachments")
    spec = {"attacher": "a.io", "nodeName": "n", "source": {"persistentVolumeName": "p"}}
    old = attachments.create(spec=spec, status={"attached": True})
    assert old["status"] == {"attached": False}
    attachments.update(old, spec={**spec, "nodeName": "m"})
    assert [problem.partition(":")[0] for problem in attachments.problems] == ["spec"]


def test_capacities_keep_their_class(kind_bench):
    capacities = kind_bench("storage", "csistoragecapacities")
    old = capacities.create(storageClassName="s")
    capacities.update(old, storageClassName="t", capacity="1Gi")
    assert capacities.problems == ['storageClassName: Invalid value: "t": field is immutable']


def test_deletion_answers(built_group):
    answers = {one.gvr.resource: one.strategy.returns_deleted for one in built_group("storage").versions[0].resources}
    assert [name for name, returned in answers.items() if not returned] == ["csistoragecapacities"]
