import pytest


def test_a_pod_gets_the_defaults_of_its_spec(settle, pod_of):
    spec = settle("pods", pod_of())["spec"]
    assert spec["restartPolicy"] == "Always"
    assert spec["dnsPolicy"] == "ClusterFirst"
    assert spec["terminationGracePeriodSeconds"] == 30
    assert spec["securityContext"] == {}
    assert spec["schedulerName"] == "default-scheduler"
    assert spec["enableServiceLinks"] is True
    container = spec["containers"][0]
    assert container["terminationMessagePath"] == "/dev/termination-log"
    assert container["resources"] == {}


def test_defaulting_twice_changes_nothing(settle, core_resources, pod_of):
    pod = settle("pods", pod_of(hostNetwork=True, volumes=[{"name": "v"}, {"name": "w", "configMap": {"name": "m"}}]))
    before = repr(pod)
    core_resources["pods"].strategy.default(pod)
    assert repr(pod) == before


def test_a_volume_without_source_becomes_an_empty_dir(settle, pod_of):
    volumes = settle("pods", pod_of(volumes=[{"name": "v"}]))["spec"]["volumes"]
    assert volumes == [{"name": "v", "emptyDir": {}}]


def test_probes_and_handlers_get_defaults(settle):
    container = {"name": "c", "image": "i", "livenessProbe": {"httpGet": {"port": 80}}}
    probe = settle("pods", {"spec": {"containers": [container]}})["spec"]["containers"][0]["livenessProbe"]
    assert probe["httpGet"] == {"path": "/", "port": 80, "scheme": "HTTP"}
    assert (probe["timeoutSeconds"], probe["periodSeconds"], probe["failureThreshold"]) == (1, 10, 3)


def test_host_network_takes_the_ports_of_the_host(settle):
    container = {"name": "c", "image": "i", "ports": [{"containerPort": 80}]}
    pod = settle("pods", {"spec": {"hostNetwork": True, "containers": [container]}})
    assert pod["spec"]["containers"][0]["ports"][0]["hostPort"] == 80


def test_the_two_names_of_the_service_account_agree(settle, pod_of):
    spec = settle("pods", pod_of(serviceAccount="old"))["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "old"
    spec = settle("pods", pod_of(serviceAccount="old", serviceAccountName="new"))["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "new"


def test_requests_default_to_limits(settle):
    resources = {"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1"}}
    pod = settle("pods", {"spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]}})
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1", "memory": "1Gi"}


def test_quantities_are_rounded_up_to_thousandths(settle):
    resources = {"requests": {"cpu": "250u", "memory": "1"}}
    pod = settle("pods", {"spec": {"containers": [{"name": "c", "image": "i", "resources": resources}]}})
    assert pod["spec"]["containers"][0]["resources"]["requests"] == {"cpu": "1m", "memory": "1"}


def test_a_new_pod_is_pending_whatever_the_client_says(created, pod_of):
    pod = created("pods", {**pod_of(), "status": {"phase": "Running", "podIP": "1.2.3.4"}})
    assert pod["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


def test_a_negative_grace_becomes_a_second(created, pod_of):
    assert created("pods", pod_of(terminationGracePeriodSeconds=-5))["spec"]["terminationGracePeriodSeconds"] == 1


def test_gates_keep_a_pod_from_being_scheduled(created, pod_of):
    (condition,) = created("pods", pod_of(schedulingGates=[{"name": "x.io/g"}]))["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "SchedulingGated")


def test_match_label_keys_become_requirements(created, pod_of):
    spread = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"a": "b"}},
        "matchLabelKeys": ["hash", "absent"],
    }
    body = {**pod_of(topologySpreadConstraints=[spread]), "metadata": {"name": "x", "labels": {"hash": "abc"}}}
    constraint = created("pods", body)["spec"]["topologySpreadConstraints"][0]
    expected = [{"key": "hash", "operator": "In", "values": ["abc"]}]
    assert constraint["labelSelector"]["matchExpressions"] == expected


def test_ephemeral_containers_cannot_be_there_from_the_start(settle, core_resources, ctx, pod_of):
    pod = settle("pods", pod_of(ephemeralContainers=[{"name": "e", "image": "i"}]))
    (error,) = core_resources["pods"].strategy.validate(ctx, pod)
    assert str(error) == "spec.ephemeralContainers: Forbidden: cannot be set on create"


@pytest.mark.parametrize("spec", [{}, {"containers": []}, {"containers": None}])
def test_a_pod_needs_containers(settle, core_resources, ctx, spec):
    errors = core_resources["pods"].strategy.validate(ctx, settle("pods", {"spec": spec}))
    assert [str(error) for error in errors] == ["spec.containers: Required value"]


def test_containers_need_unique_names_images_and_known_volumes(settle, core_resources, ctx):
    twice = {"name": "c", "image": "", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    pod = settle("pods", {"spec": {"containers": [{"name": "c", "image": "i"}, twice]}})
    found = {error.field: error.reason for error in core_resources["pods"].strategy.validate(ctx, pod)}
    assert found == {
        "spec.containers[1].name": "FieldValueDuplicate",
        "spec.containers[1].image": "FieldValueRequired",
        "spec.containers[1].volumeMounts[0].name": "FieldValueNotFound",
    }


@pytest.mark.parametrize(
    ("spec", "phase", "requested", "granted"),
    [
        ({}, "Pending", None, 0),
        ({}, "Pending", 60, 0),
        ({"nodeName": "n"}, "Running", None, 30),
        ({"nodeName": "n"}, "Running", 10, 10),
        ({"nodeName": "n"}, "Running", 0, 0),
        ({"nodeName": "n"}, "Running", -1, 1),
        ({"nodeName": "n"}, "Succeeded", None, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 0}, "Running", None, 0),
    ],
)
def test_only_running_pods_get_grace(settle, core_resources, ctx, pod_of, spec, phase, requested, granted):
    pod = settle("pods", {**pod_of(**spec), "status": {"phase": phase}})
    assert core_resources["pods"].strategy.grace_period(ctx, pod, requested) == granted


@pytest.mark.parametrize(
    ("spec", "container", "error"),
    [
        (
            {"restartPolicy": "X"},
            {},
            'spec.restartPolicy: Unsupported value: "X": supported values: "Always", "OnFailure"',
        ),
        ({"dnsPolicy": "X"}, {}, 'spec.dnsPolicy: Unsupported value: "X": supported values: "ClusterFirstWithHostNet"'),
        (
            {"securityContext": {"seccompProfile": {"type": "X"}}},
            {},
            'spec.securityContext.seccompProfile.type: Unsupported value: "X": supported values: "Localhost"',
        ),
        (
            {},
            {"imagePullPolicy": "X"},
            'spec.containers[0].imagePullPolicy: Unsupported value: "X": supported values: "Al',
        ),
        (
            {},
            {"terminationMessagePolicy": "X"},
            'spec.containers[0].terminationMessagePolicy: Unsupported value: "X": supported values: "File", "Fall',
        ),
        (
            {},
            {"ports": [{"containerPort": 80, "protocol": "X"}]},
            'spec.containers[0].ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
        ),
        (
            {},
            {"securityContext": {"procMount": "X"}},
            'spec.containers[0].securityContext.procMount: Unsupported value: "X": supported values: "Default", "Unm',
        ),
    ],
)
def test_only_known_words_are_taken(settle, core_resources, ctx, spec, container, error):
    pod = settle("pods", {"spec": {**spec, "containers": [{"name": "c", "image": "i", **container}]}})
    (found,) = core_resources["pods"].strategy.validate(ctx, pod)
    assert str(found).startswith(error)
