import pytest

HOOK = {
    "name": "a.b.c",
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
    "clientConfig": {"service": {"namespace": "n", "name": "s"}},
}
RULE = {"apiGroups": ["x.io"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}
MATCH = {"resourceRules": [RULE]}


@pytest.fixture
def hooks(kind_bench):
    return kind_bench("admissionregistration", "validatingwebhookconfigurations")


@pytest.fixture
def policies(kind_bench):
    return kind_bench("admissionregistration", "validatingadmissionpolicies")


@pytest.fixture
def bindings(kind_bench):
    return kind_bench("admissionregistration", "validatingadmissionpolicybindings")


class TestWebhooks:
    def test_defaults(self, hooks):
        (found,) = hooks.create(webhooks=[{**HOOK, "rules": [RULE]}])["webhooks"]
        assert found == {
            **HOOK,
            "clientConfig": {"service": {"namespace": "n", "name": "s", "port": 443}},
            "rules": [{**RULE, "scope": "*"}],
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
            "timeoutSeconds": 10,
        }
        assert hooks.problems == []

    def test_mutating_ones_may_be_called_again(self, kind_bench):
        bench = kind_bench("admissionregistration", "mutatingwebhookconfigurations")
        assert bench.create(webhooks=[HOOK])["webhooks"][0]["reinvocationPolicy"] == "Never"
        assert bench.problems == []

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ({"name": ""}, "name: Required value"),
            (
                {"name": "a"},
                'name: Invalid value: "a": should be a domain with at least three segments separated by dots',
            ),
            (
                {"sideEffects": "Some"},
                'sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"',
            ),
            (
                {"timeoutSeconds": 50},
                "timeoutSeconds: Invalid value: 50: the timeout value must be between 1 and 30 seconds",
            ),
            (
                {"timeoutSeconds": 0},
                "timeoutSeconds: Invalid value: 0: the timeout value must be between 1 and 30 seconds",
            ),
            (
                {"admissionReviewVersions": []},
                "admissionReviewVersions: Required value: must specify one of v1, v1beta1",
            ),
            ({"clientConfig": {}}, "clientConfig: Required value: exactly one of url or service is required"),
            (
                {"clientConfig": {"url": "http://x.example.com"}},
                "clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; "
                "desired format: https://host[/path]",
            ),
            (
                {"clientConfig": {"service": {"namespace": "n", "name": "s", "path": "/a//b"}}},
                'clientConfig.service.path: Invalid value: "/a//b": segment[1] may not be empty',
            ),
            ({"matchConditions": [{"name": "", "expression": "true"}]}, "matchConditions[0].name: Required value"),
        ],
    )
    def test_invalid(self, hooks, change, expected):
        assert hooks.findings(webhooks=[{**HOOK, **change}]) == [f"webhooks[0].{expected}"]

    @pytest.mark.parametrize("url", ["https://[", "https://[::1", "https://x]/", "://", "https:///p"])
    def test_odd_urls_are_refused(self, hooks, url):
        assert hooks.findings(webhooks=[{**HOOK, "clientConfig": {"url": url}}])

    def test_names_are_distinct(self, hooks):
        assert hooks.findings(webhooks=[HOOK, HOOK]) == ['webhooks[1].name: Duplicate value: "a.b.c"']

    @pytest.mark.parametrize(
        ("resources", "fields"),
        [
            (["*/*"], []),
            (["*/*", "x"], ["resources"]),
            (["*", "x"], ["resources"]),
            (["*", "x/status"], []),
            (["pods", "*/status", "pods/status"], ["resources[2]"]),
            (["pods/*", "pods/log"], ["resources[1]"]),
            ([""], ["resources[0]"]),
            ([], ["resources"]),
        ],
    )
    def test_resources_are_not_named_twice(self, hooks, resources, fields):
        found = hooks.findings(webhooks=[{**HOOK, "rules": [{**RULE, "resources": resources}]}])
        assert [problem.partition(":")[0].removeprefix("webhooks[0].rules[0].") for problem in found] == fields


class TestPolicies:
    def test_defaults(self, policies):
        spec = policies.create(spec={"matchConstraints": MATCH, "validations": [{"expression": "true"}]})["spec"]
        assert spec["failurePolicy"] == "Fail"
        assert spec["matchConstraints"] == {
            "resourceRules": [{**RULE, "scope": "*"}],
            "matchPolicy": "Equivalent",
            "namespaceSelector": {},
            "objectSelector": {},
        }
        assert policies.problems == []

    def test_findings(self, policies):
        assert [problem.partition(":")[0] for problem in policies.findings(spec={})] == [
            "spec.matchConstraints",
            "spec.validations",
            "spec.auditAnnotations",
        ]

    def test_bindings_say_what_to_do(self, bindings):
        assert bindings.findings(spec={"policyName": "p", "validationActions": ["Deny"]}) == []
        actions = bindings.findings(spec={"policyName": "p", "validationActions": ["Deny", "Warn"]})
        assert len(actions) == 1
        assert bindings.findings(spec={"policyName": "p"}) == [
            "spec.validationActions: Required value: at least one validation action is required"
        ]

    def test_parameters_are_named_or_selected(self, bindings):
        spec = {"policyName": "p", "validationActions": ["Deny"]}
        assert bindings.findings(spec={**spec, "paramRef": {"name": "n", "parameterNotFoundAction": "Deny"}}) == []
        assert [one.partition(":")[0] for one in bindings.findings(spec={**spec, "paramRef": {}})] == [
            "spec.paramRef",
            "spec.paramRef.parameterNotFoundAction",
        ]

    def test_a_mutating_policy_needs_mutations(self, kind_bench):
        bench = kind_bench("admissionregistration", "mutatingadmissionpolicies")
        mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": "Object{}"}}
        spec = {"reinvocationPolicy": "Never", "matchConstraints": MATCH, "mutations": [mutation]}
        assert bench.findings(spec=spec) == []
        assert [one.partition(":")[0] for one in bench.findings(spec={**spec, "mutations": []})] == ["spec.mutations"]


def test_every_kind_needs_the_version_for_an_update(built_group):
    resources = built_group("admissionregistration").versions[0].resources
    assert len(resources) == 6
    assert not any(one.strategy.allow_unconditional_update for one in resources)
