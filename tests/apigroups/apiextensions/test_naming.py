from copy import deepcopy

from kapi_apigroups.apiextensions.naming import name_definition


def definition(plural="things", kind="Thing", group="x.io", **names):
    wanted = {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List", **names}
    return {"metadata": {"name": f"{plural}.{group}"}, "spec": {"group": group, "names": wanted}, "status": {}}


def conditions(obj):
    return {each["type"]: (each["status"], each["reason"]) for each in obj["status"]["conditions"]}


def test_free_names_are_accepted_and_the_definition_is_established():
    obj = definition(shortNames=["th"])
    assert name_definition(obj, [obj])
    assert obj["status"]["acceptedNames"] == obj["spec"]["names"]
    assert conditions(obj) == {
        "NamesAccepted": ("True", "NoConflicts"),
        "Established": ("True", "InitialNamesAccepted"),
    }
    assert not name_definition(obj, [deepcopy(obj)])


def test_names_of_others_in_the_group_are_taken():
    first, second = definition(shortNames=["t"]), definition("others", "Thing", shortNames=["t", "o"])
    name_definition(first, [])
    name_definition(second, [first, second])
    assert conditions(second) == {
        "NamesAccepted": ("False", "ListKindConflict"),
        "Established": ("False", "NotAccepted"),
    }
    assert second["status"]["acceptedNames"] == {"plural": "others", "kind": ""}
    elsewhere = definition("others", "Thing", "y.io")
    name_definition(elsewhere, [first, second, elsewhere])
    assert conditions(elsewhere)["NamesAccepted"] == ("True", "NoConflicts")


def test_what_is_established_stays_so():
    first, second = definition(shortNames=["t"]), definition("others", "Other")
    name_definition(first, [])
    name_definition(second, [first])
    second["spec"]["names"]["shortNames"] = ["t"]
    assert name_definition(second, [first])
    assert conditions(second) == {
        "NamesAccepted": ("False", "ShortNamesConflict"),
        "Established": ("True", "InitialNamesAccepted"),
    }


def test_protected_groups_tell_of_their_approval():
    obj = definition(group="gateway.networking.k8s.io")
    obj["metadata"]["annotations"] = {"api-approved.kubernetes.io": "https://github.com/x/y/pull/1"}
    name_definition(obj, [])
    assert conditions(obj)["KubernetesAPIApprovalPolicyConformant"] == ("True", "ApprovedAnnotation")
