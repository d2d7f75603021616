"""A small operator, run by kopf in a process of its own: says in ConfigMaps that it has seen others."""

from typing import Any

import kopf

SEEN = {"create": "created", "update": "updated"}


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Run alone, and keep no events."""
    settings.peering.standalone = True
    settings.posting.enabled = False


@kopf.on.create("configmaps", labels={"watched": "yes"})
@kopf.on.update("configmaps", labels={"watched": "yes"}, field="data")
def seen(reason: str, patch: kopf.Patch, body: kopf.Body, **_: Any) -> None:
    """Note what was seen in an annotation of the object."""
    patch.metadata.annotations[f"example.com/{SEEN[reason]}"] = body["data"]["colour"]


@kopf.on.delete("configmaps", labels={"watched": "yes"})
def gone(name: str, **_: Any) -> None:
    """Say so on the screen: the object can tell no more."""
    print(f"gone: {name}", flush=True)
