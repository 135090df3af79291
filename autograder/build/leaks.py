"""The last look at a release: what must not be in any of its files."""

from collections.abc import Iterable
from pathlib import Path

from autograder.build.folders import files_in
from autograder.errors import BuildError

NEVER_RELEASED = ("BEGIN SOLUTION", "END SOLUTION", "BEGIN MARK SCHEME", "BEGIN HIDDEN TESTS")


def check_release(release: Path, secrets: Iterable[str], shown: str) -> None:
    """Refuse a release with solution marks, mark schemes or any of the secrets.

    Args:
        release: the staged folder. shown: as messages show it.
        secrets: names that would tell an inquisitive student where to look: of the reference's package, of
            hidden check functions.
    Raises: BuildError.
    """
    secrets = [*NEVER_RELEASED, *secrets]
    for path in files_in(release):
        content = (release / path).read_bytes()
        for secret in secrets:
            if secret.encode() in content:
                raise BuildError(
                    f"the release would contain {secret!r}. Take it out of the authored text, of the public "
                    "checks, or of the files beside the source notebook.",
                    f"{shown}/{path}",
                )
