"""The answer of requests that just succeed."""

from kapi.contracts.resources import Object


def success() -> Object:
    """Return the Status (v1) of a successful creation that shows no object."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
