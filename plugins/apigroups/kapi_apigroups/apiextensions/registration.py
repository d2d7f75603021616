"""APIServices of custom resources: they come and go with the group versions that are served."""

from collections.abc import Awaitable, Set

from kapi.contracts.client import ObjectClient
from kapi.contracts.resources import Object
from kapi.meta.errors import StatusError
from kapi_apigroups.apiregistration.apiservice import API_SERVICES, AUTOMANAGED, CUSTOM, custom_api_service


async def register_versions(client: ObjectClient, group: str, versions: Set[str]) -> None:
    """Make the APIServices of these versions of a group where there are none, and take away those of others.

    Only what is made here is taken away. Several processes may do this at once. Raises StatusError.
    """
    try:
        found = await client.list(API_SERVICES)
    except StatusError as error:
        if error.code == 404:
            return  # there are no APIServices: the plugin that serves them has been left out
        raise
    present = {each["spec"].get("version", ""): each for each in found if each["spec"].get("group") == group}
    for version in sorted(versions - present.keys()):
        await _ignoring(409, client.create(API_SERVICES, custom_api_service(group, version)))
    for version in sorted(present.keys() - versions):
        if _is_ours(present[version]):
            await _ignoring(404, client.delete(API_SERVICES, present[version]["metadata"]["name"]))


def _is_ours(service: Object) -> bool:
    labels: Object = service["metadata"].get("labels", {})
    return bool(labels.get(AUTOMANAGED) == CUSTOM)


async def _ignoring(code: int, work: Awaitable[object]) -> None:
    """Await what another process may have done already."""
    try:
        await work
    except StatusError as error:
        if error.code != code:
            raise
