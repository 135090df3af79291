"""Looking at what a build made, and changing what it is made of."""

import nbformat

from autograder.build.folders import files_in

NAME = "p01_tiny"
BUILT = [
    f"source/{NAME}/{NAME}.ipynb",
    f"release/{NAME}/{NAME}.ipynb",
]


def change(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def contents(course, *steps):
    """Path -> bytes of all files below the given folders."""
    return {
        f"{step}/{path}": (course / step / path).read_bytes()
        for step in steps
        for path in files_in(course / step)
    }


def built_files(course):
    return contents(course, f"source/{NAME}", f"release/{NAME}")


def read(course, step):
    return nbformat.read(course / step / NAME / f"{NAME}.ipynb", as_version=4)
