from conftest_service import (  # noqa: F401
    any_database,
    any_stores,
    database,
    hub,
    postgres,
    released,
    root,
    served,
    stores,
)
