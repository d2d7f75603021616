import pytest

from kapi_apigroups.common.images import default_pull_policy


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.25", "IfNotPresent"),
        ("reg.example:5000/team/app", "Always"),
        ("reg.example:5000/team/app:v1", "IfNotPresent"),
        ("[fd00::1]:5000/app", "Always"),
        ("app@sha256:" + "a" * 64, "IfNotPresent"),
        ("app:latest@sha256:" + "a" * 64, "Always"),
        ("App", "IfNotPresent"),
        ("a" * 64, "IfNotPresent"),
        ("", "IfNotPresent"),
        ("-" * 5000, "IfNotPresent"),
    ],
)
def test_pull_policy_follows_the_tag(image, policy):
    assert default_pull_policy(image) == policy
