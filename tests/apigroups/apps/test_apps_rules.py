import pytest

POD = {"containers": [{"name": "c", "image": "nginx"}]}
TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": POD}
SPEC = {"selector": {"matchLabels": {"app": "x"}}, "template": TEMPLATE}


@pytest.fixture
def deployments(kind_bench):
    return kind_bench("apps", "deployments")


@pytest.fixture
def daemon_sets(kind_bench):
    return kind_bench("apps", "daemonsets")


@pytest.fixture
def stateful_sets(kind_bench):
    return kind_bench("apps", "statefulsets")


class TestDeployment:
    def test_defaults(self, deployments):
        spec = deployments.create(spec=SPEC)["spec"]
        assert spec["replicas"] == 1
        assert spec["strategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        }
        assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
        assert spec["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
        assert deployments.problems == []

    def test_explicit_zeros_stay(self, deployments):
        spec = deployments.create(spec={**SPEC, "replicas": 0, "revisionHistoryLimit": 0})["spec"]
        assert (spec["replicas"], spec["revisionHistoryLimit"]) == (0, 0)

    def test_one_half_of_a_rolling_update_is_filled_in(self, deployments):
        strategy = {"rollingUpdate": {"maxSurge": 1}}
        spec = deployments.create(spec={**SPEC, "strategy": strategy})["spec"]
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": "25%"}

    def test_recreate_gets_no_rolling_update(self, deployments):
        spec = deployments.create(spec={**SPEC, "strategy": {"type": "Recreate"}})["spec"]
        assert spec["strategy"] == {"type": "Recreate"}

    def test_a_new_object_has_no_status(self, deployments):
        assert deployments.create(spec=SPEC, status={"replicas": 9})["status"] == {}

    def test_an_update_keeps_the_status(self, deployments):
        old = deployments.create(spec=SPEC)
        old["status"] = {"replicas": 3}
        assert deployments.update(old, spec=SPEC, status={"replicas": 9})["status"] == {"replicas": 3}

    def test_status_writes_keep_spec_and_labels(self, deployments):
        old = deployments.create(metadata={"name": "x", "labels": {"a": "b"}}, spec=SPEC)
        new = deployments.update(old, "status", spec={"replicas": 9}, status={"replicas": 3})
        assert (new["spec"], new["status"]) == (old["spec"], {"replicas": 3})
        assert new["metadata"]["labels"] == {"a": "b"}

    def test_the_selector_is_immutable(self, deployments):
        old = deployments.create(spec=SPEC)
        template = {**TEMPLATE, "metadata": {"labels": {"app": "z"}}}
        deployments.update(old, spec={"selector": {"matchLabels": {"app": "z"}}, "template": template})
        assert deployments.problems == ['spec.selector: Invalid value: {"matchLabels":{"app":"z"}}: field is immutable']

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"selector": None}, "spec.selector: Required value"),
            ({"selector": {}}, "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
            (
                {"selector": {"matchLabels": {"app": "y"}}},
                'spec.template.metadata.labels: Invalid value: {"app":"x"}: '
                "`selector` does not match template `labels`",
            ),
            ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
            (
                {"minReadySeconds": 600},
                "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds",
            ),
            (
                {"strategy": {"type": "Blue"}},
                'spec.strategy: Unsupported value: {"Type":"Blue","RollingUpdate":null}: '
                'supported values: "Recreate", "RollingUpdate"',
            ),
            (
                {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
            ),
            (
                {"strategy": {"rollingUpdate": {"maxUnavailable": "101%"}}},
                'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%',
            ),
            (
                {"template": {**TEMPLATE, "spec": {**POD, "restartPolicy": "Never"}}},
                'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
            ),
        ],
    )
    def test_invalid(self, deployments, change, expected):
        assert expected in deployments.findings(spec={**SPEC, **change})

    def test_a_malformed_selector_ends_the_search(self, deployments):
        spec = {**SPEC, "selector": {"matchExpressions": [{"key": "app", "operator": "In"}]}}
        assert [problem.partition(":")[0] for problem in deployments.findings(spec=spec)] == [
            "spec.selector.matchExpressions[0].values",
            "spec.selector",
        ]

    def test_counts_of_the_status_must_fit(self, deployments):
        old = deployments.create(spec=SPEC)
        deployments.update(old, "status", status={"replicas": 1, "readyReplicas": 2})
        assert deployments.problems == [
            "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"
        ]

    def test_warns_of_names_with_dots(self, deployments):
        deployments.create(metadata={"name": "a.b"}, spec=SPEC)
        assert deployments.warnings == [
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; "
            "a DNS label is recommended: [must not contain dots]"
        ]


class TestDaemonSet:
    ANNOTATION = "deprecated.daemonset.template.generation"

    def test_defaults(self, daemon_sets):
        obj = daemon_sets.create(spec=SPEC)
        assert obj["spec"]["updateStrategy"] == {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
        }
        assert obj["status"]["desiredNumberScheduled"] == 0
        assert daemon_sets.problems == []

    def test_counts_the_generations_of_the_template(self, daemon_sets):
        first = daemon_sets.create(spec=SPEC)
        assert first["metadata"]["annotations"] == {self.ANNOTATION: "1"}
        pod = {"containers": [{"name": "c", "image": "new"}]}
        second = daemon_sets.update(first, spec={**SPEC, "template": {**TEMPLATE, "spec": pod}})
        assert second["metadata"]["annotations"] == {self.ANNOTATION: "2"}

    def test_only_a_new_object_may_set_the_number(self, daemon_sets):
        metadata = {"name": "x", "annotations": {self.ANNOTATION: "7"}}
        first = daemon_sets.create(metadata=metadata, spec=SPEC)
        assert first["metadata"]["annotations"][self.ANNOTATION] == "7"
        metadata = {"name": "x", "annotations": {self.ANNOTATION: "70"}}
        second = daemon_sets.update(first, metadata=metadata, spec=SPEC)
        assert second["metadata"]["annotations"][self.ANNOTATION] == "7"

    def test_a_status_write_keeps_the_number(self, daemon_sets):
        old = daemon_sets.create(spec=SPEC)
        new = daemon_sets.update(old, "status", status={"numberReady": 1})
        assert new["metadata"]["annotations"] == {self.ANNOTATION: "1"}

    @pytest.mark.parametrize("text", ["x", "", "9" * 30, "1.5"])
    def test_a_malformed_number_is_a_bad_request(self, daemon_sets, text):
        from kapi.meta.errors import StatusError

        with pytest.raises(StatusError) as caught:
            daemon_sets.create(metadata={"name": "x", "annotations": {self.ANNOTATION: text}}, spec=SPEC)
        assert caught.value.code == 400

    def test_surge_and_unavailable_exclude_each_other(self, daemon_sets):
        strategy = {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 1}}
        assert daemon_sets.findings(spec={**SPEC, "updateStrategy": strategy}) == [
            "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: "
            "may not be set when maxUnavailable is non-zero"
        ]


class TestStatefulSet:
    SPEC = {**SPEC, "serviceName": "s"}

    def test_defaults(self, stateful_sets):
        spec = stateful_sets.create(spec=self.SPEC)["spec"]
        assert spec["podManagementPolicy"] == "OrderedReady"
        assert spec["updateStrategy"] == {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}
        assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
        assert stateful_sets.problems == []

    def test_claims_carry_kind_and_first_status(self, stateful_sets):
        claim = {"metadata": {"name": "d"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
        spec = stateful_sets.create(spec={**self.SPEC, "volumeClaimTemplates": [claim]})["spec"]
        found = spec["volumeClaimTemplates"][0]
        assert (found["kind"], found["apiVersion"]) == ("PersistentVolumeClaim", "v1")
        assert found["status"] == {"phase": "Pending"}
        assert found["spec"]["volumeMode"] == "Filesystem"

    def test_most_of_the_spec_is_frozen(self, stateful_sets):
        old = stateful_sets.create(spec=self.SPEC)
        stateful_sets.update(old, spec={**self.SPEC, "replicas": 5, "minReadySeconds": 3})
        assert stateful_sets.problems == []
        stateful_sets.update(old, spec={**self.SPEC, "serviceName": "t"})
        assert [problem.partition(" updates")[0] for problem in stateful_sets.problems] == ["spec: Forbidden:"]

    def test_warns_of_a_history_without_end(self, stateful_sets):
        stateful_sets.create(spec={**self.SPEC, "revisionHistoryLimit": -2})
        assert stateful_sets.problems == []
        assert stateful_sets.warnings[0].startswith("spec.revisionHistoryLimit: a negative value")

    def test_shows_the_internal_type(self, stateful_sets):
        strategy = {"type": "OnDelete", "rollingUpdate": {"partition": 1}}
        assert stateful_sets.findings(spec={**self.SPEC, "updateStrategy": strategy}) == [
            'spec.updateStrategy.rollingUpdate: Invalid value: {"Partition":1,"MaxUnavailable":null}: '
            "only allowed for updateStrategy 'RollingUpdate'"
        ]


class TestControllerRevision:
    @pytest.fixture
    def revisions(self, kind_bench):
        return kind_bench("apps", "controllerrevisions")

    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            ({}, ["data: Required value: data is mandatory"]),
            ({"data": 5}, ["data: Required value: data must be a valid JSON object"]),
            ({"data": {}, "revision": -1}, ["revision: Invalid value: -1: must be greater than or equal to 0"]),
            ({"data": {"a": None}, "revision": 1}, []),
        ],
    )
    def test_findings(self, revisions, members, expected):
        assert revisions.findings(**members) == expected

    def test_data_are_immutable(self, revisions):
        old = revisions.create(data={"a": 1}, revision=1)
        revisions.update(old, data={"a": 1}, revision=2)
        assert revisions.problems == []
        revisions.update(old, data={"a": 2}, revision=2)
        assert revisions.problems == ['data: Invalid value: {"a":2}: field is immutable']


def test_generation_rules(built_group):
    rules = {one.gvr.resource: one.strategy.generation for one in built_group("apps").versions[0].resources}
    assert rules == {
        "controllerrevisions": (),
        "daemonsets": ("spec",),
        "deployments": ("spec", "metadata.annotations"),
        "replicasets": ("spec",),
        "statefulsets": ("spec",),
    }
