"""An operator that takes part in peering, run by kopf in a process of its own: says what it sees and does.

Its handlers are coroutines, so that their lines do not run into each other.
"""

import json
from typing import Any

import kopf


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Insist on peering; look for the server at short intervals."""
    settings.peering.mandatory = True
    settings.peering.name = "default"
    settings.peering.lifetime = 2
    settings.posting.enabled = False
    settings.networking.error_backoffs = [0.2] * 100
    settings.watching.reconnect_backoff = 0.1


@kopf.on.event("configmaps")
async def event(type: str | None, meta: kopf.Meta, **_: Any) -> None:
    """Tell of every event."""
    told = {"type": type or "ADDED", "name": meta["name"], "version": meta["resourceVersion"]}
    print(json.dumps(told), flush=True)


@kopf.on.create("configmaps", labels={"watched": "yes"})
@kopf.on.update("configmaps", labels={"watched": "yes"}, field="data")
@kopf.on.delete("configmaps", labels={"watched": "yes"})
async def change(reason: str, name: str, body: kopf.Body, **_: Any) -> None:
    """Tell of every change that is handled; deletion waits for it, by a finalizer."""
    print(f"{reason} {name} {body['data']['step']}", flush=True)
