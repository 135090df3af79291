"""Built folders: what differs between a staged one and the course's, and making the course's the same."""

import shutil
from collections.abc import Iterator
from pathlib import Path

# made by using a notebook, never part of it
LEFT_ALONE = {"__pycache__", ".ipynb_checkpoints"}


def files_in(folder: Path) -> Iterator[Path]:
    """The files below the folder, relative to it, in a fixed order."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not LEFT_ALONE & set(relative.parts) and path.suffix != ".pyc":
            yield relative


def differences(staged: Path, built: Path) -> dict[Path, str]:
    """Relative path -> how the built folder differs from the staged one."""
    wanted, present = set(files_in(staged)), set(files_in(built))
    different = dict.fromkeys(wanted - present, "missing")
    different |= dict.fromkeys(present - wanted, "not made by the build")
    for path in wanted & present:
        if (staged / path).read_bytes() != (built / path).read_bytes():
            different[path] = "out of date"
    return dict(sorted(different.items()))


def replace_folder(staged: Path, built: Path) -> None:
    """Give the built folder the staged one's files: only those that differ are written, each atomically."""
    for path, how in differences(staged, built).items():
        target = built / path
        if how == "not made by the build":
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.new")
        shutil.copy(staged / path, temporary)
        temporary.replace(target)
    for folder in sorted((p for p in built.rglob("*") if p.is_dir()), reverse=True):
        if folder.name not in LEFT_ALONE and not any(folder.iterdir()):
            folder.rmdir()
