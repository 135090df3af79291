import pytest
from world import World


@pytest.fixture(scope="session")
def world():
    """Where batches run; each is run once, and looked at by many tests."""
    made = World()
    yield made
    made.remove()
