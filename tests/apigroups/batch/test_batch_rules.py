import pytest

from kapi_apigroups.batch.job_policies import count_indexes

POD = {"restartPolicy": "Never", "containers": [{"name": "c", "image": "nginx"}]}
SPEC = {"template": {"spec": POD}}
UID_LABEL = "batch.kubernetes.io/controller-uid"


@pytest.fixture
def jobs(kind_bench):
    return kind_bench("batch", "jobs")


@pytest.fixture
def cron_jobs(kind_bench):
    return kind_bench("batch", "cronjobs")


class TestJob:
    def test_defaults(self, jobs):
        spec = jobs.create(spec=SPEC)["spec"]
        assert (spec["completions"], spec["parallelism"], spec["backoffLimit"]) == (1, 1, 6)
        assert (spec["completionMode"], spec["suspend"], spec["manualSelector"]) == ("NonIndexed", False, False)
        assert spec["podReplacementPolicy"] == "TerminatingOrFailed"
        assert jobs.problems == []

    def test_parallelism_alone_leaves_completions_open(self, jobs):
        spec = jobs.create(spec={**SPEC, "parallelism": 3})["spec"]
        assert "completions" not in spec

    def test_a_limit_per_index_lifts_the_whole_one(self, jobs):
        spec = jobs.create(spec={**SPEC, "completionMode": "Indexed", "completions": 2, "backoffLimitPerIndex": 1})
        assert spec["spec"]["backoffLimit"] == 2**31 - 1
        assert jobs.problems == []

    def test_finds_its_pods_by_its_uid(self, jobs):
        obj = jobs.create(spec=SPEC)
        uid = obj["metadata"]["uid"]
        assert obj["spec"]["selector"] == {"matchLabels": {UID_LABEL: uid}}
        assert obj["spec"]["template"]["metadata"]["labels"] == {
            "job-name": "x",
            "batch.kubernetes.io/job-name": "x",
            "controller-uid": uid,
            UID_LABEL: uid,
        }
        assert obj["metadata"]["labels"] == obj["spec"]["template"]["metadata"]["labels"]

    def test_labels_of_its_own_stay(self, jobs):
        assert jobs.create(metadata={"name": "x", "labels": {"a": "b"}}, spec=SPEC)["metadata"]["labels"] == {"a": "b"}

    def test_a_manual_selector_is_left_alone(self, jobs):
        template = {"metadata": {"labels": {"u": "v"}}, "spec": POD}
        selector = {"matchLabels": {"u": "v"}}
        spec = jobs.create(spec={"manualSelector": True, "selector": selector, "template": template})["spec"]
        assert spec["selector"] == selector
        assert jobs.problems == []

    def test_a_foreign_selector_is_refused(self, jobs):
        problems = jobs.findings(spec={**SPEC, "selector": {"matchLabels": {"a": "b"}}})
        assert problems[0].endswith("`selector` not auto-generated")

    def test_conditions_of_failure_rules_default_to_true(self, jobs):
        rules = [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]
        spec = jobs.create(spec={**SPEC, "podFailurePolicy": {"rules": rules}})["spec"]
        assert spec["podFailurePolicy"]["rules"][0]["onPodConditions"][0]["status"] == "True"
        assert spec["podReplacementPolicy"] == "Failed"
        assert jobs.problems == []

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"completionMode": "X"}, "spec.completionMode"),
            ({"backoffLimitPerIndex": 1}, "spec.backoffLimitPerIndex"),
            ({"completionMode": "Indexed", "parallelism": 200_000, "completions": 5}, "spec.parallelism"),
            ({"managedBy": "nodomain"}, "spec.managedBy"),
            ({"successPolicy": {"rules": [{"succeededCount": 1}]}}, "spec.successPolicy"),
            ({"podFailurePolicy": {"rules": [{"action": "Ignore"}]}}, "spec.podFailurePolicy.rules[0]"),
            ({"template": {"spec": {**POD, "restartPolicy": "Always"}}}, "spec.template.spec.restartPolicy"),
        ],
    )
    def test_invalid(self, jobs, change, expected):
        assert [problem.partition(":")[0] for problem in jobs.findings(spec={**SPEC, **change})] == [expected]

    def test_exit_codes_are_ordered_and_distinct(self, jobs):
        codes = {"containerName": "zz", "operator": "NotIn", "values": [2, 2, 1]}
        policy = {"rules": [{"action": "Count", "onExitCodes": codes}]}
        path = "spec.podFailurePolicy.rules[0].onExitCodes"
        assert jobs.findings(spec={**SPEC, "podFailurePolicy": policy}) == [
            f'{path}.containerName: Invalid value: "zz": '
            "must be one of the container or initContainer names in the pod template",
            f"{path}.values[1]: Duplicate value: 2",
            f"{path}.values: Invalid value: [2,2,1]: must be ordered",
        ]

    def stored(self, jobs, **spec):
        return jobs.create(spec={**SPEC, **spec})

    def test_completions_are_immutable(self, jobs):
        old = self.stored(jobs)
        jobs.update(old, spec={**old["spec"], "completions": 3})
        assert jobs.problems == ["spec.completions: Invalid value: 3: field is immutable"]

    def test_an_elastic_job_may_grow(self, jobs):
        old = self.stored(jobs, completionMode="Indexed", completions=2, parallelism=2)
        jobs.update(old, spec={**old["spec"], "completions": 4, "parallelism": 4})
        assert jobs.problems == []
        jobs.update(old, spec={**old["spec"], "completions": 4, "parallelism": 3})
        assert jobs.problems == ["spec.completions: Invalid value: 4: field is immutable"]

    @pytest.mark.parametrize(("suspended", "allowed"), [(True, True), (False, False)])
    def test_only_a_suspended_job_may_go_elsewhere(self, jobs, suspended, allowed):
        old = self.stored(jobs, suspend=suspended)
        template = old["spec"]["template"]
        moved = {**template, "spec": {**template["spec"], "nodeSelector": {"a": "b"}}}
        jobs.update(old, spec={**old["spec"], "template": moved})
        assert (jobs.problems == []) is allowed

    def test_a_suspended_job_keeps_its_images(self, jobs):
        old = self.stored(jobs, suspend=True)
        template = old["spec"]["template"]
        other = {**template, "spec": {**template["spec"], "containers": [{"name": "c", "image": "o"}]}}
        jobs.update(old, spec={**old["spec"], "template": other})
        assert [problem.partition(":")[0] for problem in jobs.problems] == ["spec.template.spec"]

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ({"active": 5, "ready": 9}, ["status.ready"]),
            ({"completedIndexes": "1"}, ["status.completedIndexes"]),
            ({"active": 1, "startTime": "2024-01-01T00:00:00Z"}, []),
            (
                {"startTime": "2024-01-01T00:00:00Z", "completionTime": "2023-01-01T00:00:00Z"},
                ["status.completionTime"] * 2,
            ),
            ({"conditions": [{"type": "Failed", "status": "True"}]}, ["status.conditions", "status.startTime"]),
        ],
    )
    def test_status(self, jobs, status, expected):
        jobs.update(self.stored(jobs), "status", status=status)
        assert [problem.partition(":")[0] for problem in jobs.problems] == expected

    def test_counters_only_grow(self, jobs):
        old = self.stored(jobs)
        old["status"] = {"failed": 3}
        jobs.update(old, "status", status={"failed": 2})
        assert jobs.problems == ["status.failed: Invalid value: 2: cannot decrease the failed counter"]

    def test_a_status_write_keeps_the_generated_labels(self, jobs):
        old = self.stored(jobs)
        assert jobs.update(old, "status", status={"active": 1})["metadata"]["labels"] == old["metadata"]["labels"]

    def test_leaves_its_pods_behind(self, jobs):
        assert jobs.resource.strategy.default_propagation == "Orphan"
        assert "propagationPolicy=Background" in jobs.resource.strategy.default_propagation_warning


class TestCountIndexes:
    @pytest.mark.parametrize(("text", "count"), [("", 0), ("0", 1), ("0-2,4", 4), ("0,1,3-5", 5)])
    def test_counts(self, text, count):
        assert count_indexes(text, 10) == count

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("x", 'cannot convert string to integer for index: "x"'),
            ("2-1", "non-increasing order, previous: 2, current: 1"),
            ("1,1", "non-increasing order, previous: 1, current: 1"),
            ("10", 'too large index: "10"'),
        ],
    )
    def test_refuses(self, text, problem):
        with pytest.raises(ValueError, match="index|order") as caught:
            count_indexes(text, 10)
        assert str(caught.value) == problem


class TestCronJob:
    SPEC = {"schedule": "@daily", "jobTemplate": {"spec": SPEC}}

    def test_defaults(self, cron_jobs):
        spec = cron_jobs.create(spec=self.SPEC)["spec"]
        assert (spec["concurrencyPolicy"], spec["suspend"]) == ("Allow", False)
        assert (spec["successfulJobsHistoryLimit"], spec["failedJobsHistoryLimit"]) == (3, 1)
        assert "backoffLimit" not in spec["jobTemplate"]["spec"]
        assert spec["jobTemplate"]["spec"]["template"]["spec"]["schedulerName"] == "default-scheduler"
        assert cron_jobs.problems == []

    def test_names_leave_room_for_those_of_jobs(self, cron_jobs):
        cron_jobs.create(metadata={"name": "a" * 52}, spec=self.SPEC)
        assert cron_jobs.problems == []
        cron_jobs.create(metadata={"name": "a" * 53}, spec=self.SPEC)
        assert cron_jobs.problems[-1].endswith("must be no more than 52 characters")

    @pytest.mark.parametrize(
        ("zone", "problem"),
        [
            ("Europe/Paris", None),
            ("UTC", None),
            ("", "timeZone must be nil or non-empty string"),
            ("Mars/Base", "unknown time zone Mars/Base"),
            ("Local", "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"),
            ("../../etc/passwd", "unknown time zone ../../etc/passwd"),
            ("a\0b", "unknown time zone a\0b"),
        ],
    )
    def test_time_zones(self, cron_jobs, zone, problem):
        found = cron_jobs.findings(spec={**self.SPEC, "timeZone": zone})
        assert [one.rpartition(": ")[2] for one in found] == ([problem] if problem else [])

    def test_the_job_may_not_choose_its_selector(self, cron_jobs):
        job = {**SPEC, "manualSelector": True, "selector": {"matchLabels": {"a": "b"}}}
        found = cron_jobs.findings(spec={**self.SPEC, "jobTemplate": {"spec": job}})
        assert [one.partition(":")[0] for one in found] == [
            "spec.jobTemplate.spec.selector",
            "spec.jobTemplate.spec.manualSelector",
        ]
