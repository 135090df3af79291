import pytest
from jailer import Jailer


@pytest.fixture(scope="session")
def jailer():
    running = Jailer()
    yield running
    running.remove()
