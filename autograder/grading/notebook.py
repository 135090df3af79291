"""A student's notebook with the instructor's cells put back, ready to run.

`nbgrader.grade_id` is the only thing in a submission that says which cell is which; all else that decides
about points (text of tests, type, points, locks) comes from the trusted cells of the gradebook.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from nbformat import NotebookNode

from autograder.grading.notebook_file import normalized, read_notebook, read_with_repairs

__all__ = ["Restored", "TrustedCell", "TrustedCells", "intake", "read_notebook", "restore"]


@dataclass(frozen=True)
class TrustedCell:
    """One cell of the released notebook that carries a grade id, as the gradebook has it.

    Args:
        source: the released text; of an answer cell, the stub.
        points: what it is worth; None where it is not graded.
        locked: as nbgrader computes it (`is_locked`): the student may not change the text.
        task: nbgrader's "manually graded task".
    """

    grade_id: str
    cell_type: str
    source: str
    points: float | None = None
    grade: bool = False
    solution: bool = False
    locked: bool = False
    task: bool = False

    @property
    def fixed(self) -> bool:
        """The text is the instructor's, whatever was submitted."""
        return not self.solution and (self.grade or self.locked)

    @property
    def noun(self) -> str:
        if self.solution:
            return "answer cell"
        return "test cell" if self.grade else "task cell" if self.task else "locked cell"

    @property
    def checksum(self) -> str:
        """nbgrader's checksum of the released cell; an answer that still has it is no answer."""
        parts = [self.source, self.cell_type, self.grade, self.solution, self.fixed, self.grade_id]
        if self.grade:
            parts.append(float(self.points or 0.0))
        return hashlib.md5("".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()

    def metadata(self) -> NotebookNode:
        """nbgrader's cell metadata, schema 3, which allows no further key."""
        nbgrader = NotebookNode(
            schema_version=3,
            grade_id=self.grade_id,
            grade=self.grade,
            solution=self.solution,
            locked=self.locked,
            task=self.task,
            cell_type=self.cell_type,
            checksum=self.checksum,
        )
        if self.grade or self.task:
            nbgrader.points = float(self.points or 0.0)
        return NotebookNode(nbgrader=nbgrader)


@dataclass(frozen=True)
class TrustedCells:
    """The released notebook's cells with a grade id, in their order."""

    cells: tuple[TrustedCell, ...]

    def __post_init__(self) -> None:
        counts = Counter(cell.grade_id for cell in self.cells)
        if twice := [grade_id for grade_id, count in counts.items() if count > 1]:
            raise ValueError(f"grade ids must be unique. Received twice: {', '.join(twice)}")

    def __iter__(self) -> Iterator[TrustedCell]:
        return iter(self.cells)

    def __len__(self) -> int:
        return len(self.cells)


@dataclass(frozen=True)
class Restored:
    """A notebook that may be run, and what was found changed, in words for the student and the TA."""

    nb: NotebookNode
    warnings: tuple[str, ...] = ()


def intake(data: bytes, trusted: TrustedCells) -> Restored:
    """Read a submitted file and put the instructor's cells back.

    Raises: NotebookError if it cannot be read as a notebook.
    """
    nb, repairs = read_with_repairs(data)
    restored = restore(nb, trusted)
    return Restored(restored.nb, repairs + restored.warnings)


def restore(nb: NotebookNode, trusted: TrustedCells) -> Restored:
    """Put text, type and metadata of the trusted cells back into a submitted notebook.

    The student's cells keep their order. A trusted cell that is missing comes back behind the one before it;
    of a cell that is there twice one is graded and the other runs as ordinary code.

    Raises: NotebookError if `nb` has no cells or too many.
    """
    submitted, repairs = normalized(nb)
    warnings = list(repairs)
    places = _places(submitted.cells, trusted, warnings)
    for cell in submitted.cells:
        cell.metadata = NotebookNode()
    for cell in trusted:
        if cell.grade_id in places:
            _put_back(submitted.cells[places[cell.grade_id]], cell, warnings)
    ordered = _with_missing(submitted.cells, places, trusted, warnings)
    _give_ids(ordered)
    submitted.cells = ordered
    return Restored(submitted, tuple(warnings))


def _places(cells: list[NotebookNode], trusted: TrustedCells, warnings: list[str]) -> dict[str, int]:
    """Which submitted cell (its index) stands for which grade id; at most one cell each."""
    claims: dict[str, list[int]] = {}
    unlabeled: dict[tuple[str, str], list[int]] = {}
    for index, cell in enumerate(cells):
        if "nbgrader" in cell.metadata:
            claims.setdefault(cell.metadata.nbgrader.grade_id, []).append(index)
        else:
            unlabeled.setdefault((cell.cell_type, _bare(cell.source)), []).append(index)
    places = {}
    for cell in trusted:
        found = claims.pop(cell.grade_id, [])
        same = unlabeled.get((cell.cell_type, _bare(cell.source)), [])
        if found:
            places[cell.grade_id] = _chosen(cells, found, cell, warnings)
        elif same and _bare(cell.source):
            places[cell.grade_id] = same.pop(0)
            warnings.append(f"{cell.noun} {cell.grade_id!r} had lost its id and was recognized by its text")
    for grade_id in list(claims)[:10]:
        warnings.append(
            f"cell {grade_id[:60]!r} is not part of the assignment: it runs but counts for nothing"
        )
    return places


def _chosen(cells: list[NotebookNode], found: list[int], cell: TrustedCell, warnings: list[str]) -> int:
    """Of the cells that claim one id: the right type, then the telling text, then the last, as in Python.

    The telling text of a test is the instructor's own, that of an answer is anything but the stub.
    """

    def merit(index: int) -> tuple[bool, bool, int]:
        original = _bare(cells[index].source) == _bare(cell.source)
        return cells[index].cell_type == cell.cell_type, original != cell.solution, index

    best = max(found, key=merit)
    if len(found) > 1:
        why = "the last one that was edited" if cell.solution else "the last one with the original text"
        if not merit(best)[1]:
            why = "the last one"
        others = ", ".join(str(index + 1) for index in found if index != best)
        warnings.append(
            f"{cell.noun} {cell.grade_id!r} is there {len(found)} times: cell {best + 1} is graded ({why}), "
            f"the others (cell {others[:100]}) run as ordinary cells"
        )
    return best


def _put_back(submitted: NotebookNode, cell: TrustedCell, warnings: list[str]) -> None:
    if submitted.cell_type != cell.cell_type:
        was = f"{cell.noun} {cell.grade_id!r} was turned into {submitted.cell_type}"
        warnings.append(f"{was}: it is {cell.cell_type} again")
    elif cell.fixed and _bare(submitted.source) != _bare(cell.source):
        warnings.append(f"{cell.noun} {cell.grade_id!r} was edited: the original text was put back")
    attachments = None if cell.fixed else submitted.get("attachments")
    source = cell.source if cell.fixed else submitted.source
    submitted.clear()
    submitted.update(_new_cell(cell, source))
    if attachments and cell.cell_type != "code":
        submitted.attachments = attachments


def _with_missing(
    cells: list[NotebookNode], places: dict[str, int], trusted: TrustedCells, warnings: list[str]
) -> list[NotebookNode]:
    """All cells, with the missing ones behind the trusted cell that comes before them in the release."""
    behind: dict[int, list[NotebookNode]] = {}  # index of a submitted cell, -1 for the top -> new cells
    place = -1
    for cell in trusted:
        if cell.grade_id in places:
            place = places[cell.grade_id]
            continue
        behind.setdefault(place, []).append(_new_cell(cell, cell.source if cell.fixed else ""))
        what = "put back" if cell.fixed else "put back empty"
        warnings.append(f"{cell.noun} {cell.grade_id!r} was deleted: it was {what}")
    ordered = list(behind.get(-1, []))
    for index, cell in enumerate(cells):
        ordered += [cell, *behind.get(index, [])]
    return ordered


def _new_cell(cell: TrustedCell, source: str) -> NotebookNode:
    node = NotebookNode(id="new", cell_type=cell.cell_type, metadata=cell.metadata(), source=source)
    if cell.cell_type == "code":
        node.update(execution_count=None, outputs=[])
    return node


def _give_ids(cells: list[NotebookNode]) -> None:
    """Unique ids, the same at every run: the grade id where nbformat allows it, else the place."""
    taken = {cell.metadata.nbgrader.grade_id for cell in cells if "nbgrader" in cell.metadata}
    for index, cell in enumerate(cells):
        grade_id = cell.metadata.nbgrader.grade_id if "nbgrader" in cell.metadata else None
        if grade_id and len(grade_id) <= 64:
            cell.id = grade_id
            continue
        cell.id = f"cell-{index}"
        while cell.id in taken:
            cell.id += "-"


def _bare(source: str) -> str:
    """Text without what an editor may change unasked."""
    return "\n".join(line.rstrip() for line in source.strip().splitlines())
