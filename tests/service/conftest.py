from conftest_service import database, hub, postgres, released, root, served, stores  # noqa: F401
