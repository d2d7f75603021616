"""What prints the rows of one kind."""

from collections.abc import Callable
from typing import Any, NamedTuple

from kapi.contracts.resources import Object
from kapi_apigroups.printing.descriptions import Description, Field

NAME = Field("meta_v1.ObjectMeta.name")
AGE = Field("meta_v1.ObjectMeta.creationTimestamp")
CONTAINERS = ("Names of each container in the template.", "Images referenced by each container in the template.")


def no_conditions(obj: Object) -> list[Object]:
    """Return none: what the rows of most kinds carry."""
    return []


class Printer(NamedTuple):
    """Makes the cells of a row; ``descriptions`` says what each column means.

    ``cells`` copes with an object that has nothing but metadata: a bookmark of a watch is printed too.
    """

    cells: Callable[[Object], list[Any]]
    descriptions: tuple[Description, ...]
    conditions: Callable[[Object], list[Object]] = no_conditions
