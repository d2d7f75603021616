"""A small operator for a custom resource, run by kopf in a process of its own: keeps the status."""

from typing import Any

import kopf

RESOURCE = ("stable.example.com", "v1", "crontabs")


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Run alone, and keep no events."""
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix="example.com")


@kopf.on.create(*RESOURCE)
@kopf.on.update(*RESOURCE, field="spec")
def scale(spec: kopf.Spec, patch: kopf.Patch, **_: Any) -> None:
    """Say how many there are: as many as are wanted."""
    patch.status["replicas"] = spec["replicas"]


@kopf.on.delete(*RESOURCE)
def gone(name: str, **_: Any) -> None:
    """Say so on the screen: the object can tell no more."""
    print(f"gone: {name}", flush=True)
