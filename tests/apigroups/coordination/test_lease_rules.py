import pytest


@pytest.fixture
def leases(kind_bench):
    return kind_bench("coordination", "leases")


def test_a_put_creates_but_must_know_the_version(leases):
    strategy = leases.resource.strategy
    assert (strategy.allow_create_on_update, strategy.allow_unconditional_update) == (True, False)


def test_what_coordinated_election_reads_is_dropped(leases):
    assert leases.create(spec={"strategy": "X", "preferredHolder": "y", "holderIdentity": ""})["spec"] == {
        "holderIdentity": ""
    }


def test_what_was_there_may_stay(leases):
    old = leases.create(spec={})
    old["spec"] = {"strategy": "X"}
    assert leases.update(old, spec={"strategy": "Y"})["spec"] == {"strategy": "Y"}


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        ({"leaseDurationSeconds": 0}, ["spec.leaseDurationSeconds"]),
        ({"leaseTransitions": -1}, ["spec.leaseTransitions"]),
        ({"leaseDurationSeconds": 15, "leaseTransitions": 0}, []),
    ],
)
def test_findings(leases, spec, fields):
    assert [problem.partition(":")[0] for problem in leases.findings(spec=spec)] == fields
