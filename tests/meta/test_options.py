import pytest

from kapi.meta.errors import StatusError
from kapi.meta.options import (
    DeleteOptions,
    parse_create_options,
    parse_delete_options,
    parse_patch_options,
    parse_update_options,
)
from kapi.meta.query import parse_query


def refusal(function, *arguments, **options):
    with pytest.raises(StatusError) as caught:
        function(*arguments, **options)
    return caught.value


def test_write_options_are_read():
    options = parse_create_options(parse_query("dryRun=All&dryRun=All&fieldManager=me&fieldValidation=Strict"))
    assert (options.dry_run, options.field_manager, options.field_validation) == (True, "me", "Strict")
    assert options.to_object() == {
        "kind": "CreateOptions",
        "apiVersion": "meta.k8s.io/v1",
        "dryRun": ["All"],
        "fieldManager": "me",
        "fieldValidation": "Strict",
    }
    assert parse_update_options({}).to_object() == {"kind": "UpdateOptions", "apiVersion": "meta.k8s.io/v1"}


@pytest.mark.parametrize("value", ["Nope", "", "all"])
def test_dry_run_is_all_or_nothing(value):
    error = refusal(parse_create_options, parse_query(f"dryRun={value}"))
    assert error.message == (
        f'CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["{value}"]: supported values: "All"'
    )
    assert (error.code, error.details["group"], error.details["kind"]) == (422, "meta.k8s.io", "CreateOptions")


def test_field_managers_are_short_and_printable():
    error = refusal(parse_update_options, parse_query("fieldManager=" + "x" * 129))
    assert error.message.endswith("fieldManager: Too long: may not be more than 128 bytes")
    error = refusal(parse_update_options, parse_query("fieldManager=%C3%A9%07b"))
    assert error.message.endswith(r'fieldManager: Invalid value: "é\ab": invalid character U+0007 (at position 2)')


def test_field_validation_is_an_enumeration():
    error = refusal(parse_create_options, parse_query("fieldValidation=strict"))
    assert error.message.endswith('"strict": supported values: "", "Ignore", "Strict", "Warn"')


def test_only_apply_forces():
    assert parse_patch_options(parse_query("fieldManager=m&force=maybe"), apply=True).force is True
    error = refusal(parse_patch_options, parse_query("force=false"), apply=False)
    assert error.message.endswith("force: Forbidden: may not be specified for non-apply patch")


def test_apply_needs_a_manager():
    error = refusal(parse_patch_options, {}, apply=True)
    assert error.message.endswith("fieldManager: Required value: is required for apply patch")


def test_delete_options_come_from_the_query():
    options = parse_delete_options(parse_query("gracePeriodSeconds=5&propagationPolicy=Orphan&dryRun=All"))
    assert options == DeleteOptions(dry_run=True, grace_period_seconds=5, propagation_policy="Orphan")
    assert parse_delete_options({}) == DeleteOptions()
    assert refusal(parse_delete_options, parse_query("gracePeriodSeconds=x")).code == 400


def test_a_body_replaces_the_query():
    body = {"propagationPolicy": "Foreground", "preconditions": {"uid": "1", "resourceVersion": ""}, "unknown": 1}
    options = parse_delete_options(parse_query("propagationPolicy=Orphan&dryRun=All"), body)
    assert options == DeleteOptions(propagation_policy="Foreground", uid="1", resource_version="")
    assert options.to_object()["preconditions"] == {"uid": "1", "resourceVersion": ""}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"kind": "Bogus", "apiVersion": "v1"}, 'no kind "Bogus" is registered for version "v1" in scheme'),
        (
            {"gracePeriodSeconds": "x"},
            "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64",
        ),
        ({"gracePeriodSeconds": True}, "json: cannot unmarshal bool into Go struct field"),
        ({"dryRun": [1]}, "json: cannot unmarshal number into Go struct field DeleteOptions.dryRun of type string"),
        ({"preconditions": {"uid": {}}}, "json: cannot unmarshal object into Go struct field"),
        ([], "couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type struct"),
        (
            {"kind": 1},
            "couldn't get version/kind; json parse error: json: cannot unmarshal number into Go struct field .kind of",
        ),
        ({"apiVersion": "a/b/c"}, "unexpected GroupVersion string: a/b/c"),
    ],
)
def test_bodies_of_other_types_are_refused(body, message):
    error = refusal(parse_delete_options, {}, body)
    assert error.code == 400
    assert error.message.startswith(message)


@pytest.mark.parametrize("version", ["v1", "apps/v1", "meta.k8s.io/v1"])
def test_delete_options_belong_to_every_group(version):
    assert parse_delete_options({}, {"kind": "DeleteOptions", "apiVersion": version}) == DeleteOptions()


@pytest.mark.parametrize("policy", ["Nope", ""])
def test_policies_are_an_enumeration(policy):
    error = refusal(parse_delete_options, {}, {"propagationPolicy": policy})
    assert error.message.endswith(f'"{policy}": supported values: "Foreground", "Background", "Orphan", "nil"')


def test_the_two_ways_to_say_what_becomes_of_dependents_exclude_each_other():
    error = refusal(parse_delete_options, parse_query("orphanDependents=true&propagationPolicy=Orphan"))
    assert error.message == (
        'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": '
        "orphanDependents and deletionPropagation cannot be both set"
    )
