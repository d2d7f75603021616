import pytest
from thing_schemas import CORE, GO_FACTS, SCHEMAS

from kapi.meta.schema.compact import Compactor
from kapi.meta.schema.tables import Definitions, metav1_definitions


@pytest.fixture(scope="session")
def definitions():
    return Definitions(Compactor(GO_FACTS).compact(SCHEMAS), metav1_definitions())


@pytest.fixture(scope="session")
def thing(definitions):
    return definitions.struct(CORE + "Thing")
