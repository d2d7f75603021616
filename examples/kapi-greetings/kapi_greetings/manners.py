"""An admission controller: tidies greetings up, and refuses rude ones.

``--enable-admission-plugins`` and ``--disable-admission-plugins`` know it as ``GoodManners``; it is on by default.
"""

from collections.abc import Sequence

from kapi.contracts.admission import AdmissionAttributes, AdmissionPlugin, Operation
from kapi.contracts.plugins import BuildContext, Option
from kapi.hookspecs import hookimpl
from kapi.meta.errors import forbidden

RESOURCE = ("greetings.example.com", "greetings")


class GoodManners:
    """Both kinds in one: ``admit`` may change the object, ``validate`` only says yes or no."""

    def __init__(self, rude: frozenset[str]) -> None:
        """Take the words that are refused, in lower case."""
        self._rude = rude

    def handles(self, operation: Operation) -> bool:
        """Say that only creation and change are of interest."""
        return operation in ("CREATE", "UPDATE")

    async def admit(self, attributes: AdmissionAttributes) -> None:
        """Take superfluous blanks out of the message."""
        message = _message(attributes)
        if message is not None and attributes.object is not None:
            attributes.object["spec"]["message"] = " ".join(message.split())

    async def validate(self, attributes: AdmissionAttributes) -> None:
        """Refuse rude words; raises the Status that the client sees."""
        words = (_message(attributes) or "").lower().split()
        found = [word for word in words if word in self._rude]
        if found:
            resource = attributes.resource.group_resource
            raise forbidden(resource, attributes.name, f"{found[0]!r} is not what one says to people")


def _message(attributes: AdmissionAttributes) -> str | None:
    """Return the message of a greeting, or None for other objects and subresources."""
    if (attributes.resource.group, attributes.resource.resource) != RESOURCE or attributes.subresource:
        return None
    spec = (attributes.object or {}).get("spec") or {}
    message = spec.get("message")
    return message if isinstance(message, str) else None


def build(context: BuildContext) -> GoodManners:
    """Return the controller."""
    return GoodManners(frozenset(word.lower() for word in context.options["greetings-rude-words"]))


@hookimpl
def kapi_register_admission() -> Sequence[AdmissionPlugin]:
    """Contribute the controller with its flag."""
    flag = Option("greetings-rude-words", "strings", ("grmpf",), "Words that are refused.", group="Greetings")
    return [AdmissionPlugin("GoodManners", "tidies greetings up and refuses rude ones", build, (flag,))]
