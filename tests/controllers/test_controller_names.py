"""The names by which ``--controllers`` knows the built-in controllers."""

import pytest

from kapi.server.assembly import installed, load_plugins


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("clusterrole-aggregation-controller", "clusterrole-aggregation"),
        ("garbage-collector-controller", "garbage-collector"),
        ("garbagecollector", "garbage-collector"),
        ("namespace-controller", "namespace"),
        ("persistentvolume-protection-controller", "pv-protection"),
        ("persistentvolumeclaim-protection-controller", "pvc-protection"),
        ("serviceaccount-controller", "serviceaccount"),
        ("volumeattributesclass-protection-controller", "vac-protection"),
    ],
)
def test_names_of_kube_controller_manager(alias, name):
    found = installed(load_plugins(()))
    assert found.controller_aliases[alias] == name
    assert name in found.controllers
