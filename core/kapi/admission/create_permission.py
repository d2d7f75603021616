"""Who updates or applies what is not there yet creates it, and needs the right to."""

from kapi.authz.refusal import refused
from kapi.contracts.admission import AdmissionAttributes, Operation
from kapi.contracts.authz import Attributes, Authorizer, Verdict


class CreatePermission:
    """Asks the authorizer about creations that come of another verb than ``create``.

    It stands first among the checks: the authorization filter has only seen an update.
    """

    def __init__(self, authorizer: Authorizer) -> None:
        """Take the server's authorizer."""
        self._authorizer = authorizer

    def handles(self, operation: Operation) -> bool:
        """Look at creations."""
        return operation == "CREATE"

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Raise the 403 Status when the user may not create the object."""
        if attributes.verb in ("", "create"):
            return
        asked = Attributes(
            attributes.user,
            "create",
            True,
            group=attributes.resource.group,
            version=attributes.resource.version,
            resource=attributes.resource.resource,
            subresource=attributes.subresource,
            namespace=attributes.namespace,
            name=attributes.name,
        )
        verdict, reason = await self._authorizer.authorize(asked)
        if verdict is not Verdict.ALLOW:
            raise refused(asked, reason)
