"""A submitted file read as a notebook, whatever is in it.

Nothing of the file is kept but what a notebook is for: the order, kind and text of its cells, their grade
ids, and pictures pasted into text cells. Outputs, metadata and ids are dropped: they are made again, or come
from the instructor's copy. So a notebook of any version, a damaged one and a hostile one all end as the same
plain nbformat 4.5 notebook, or as a NotebookError whose message a student can act on.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

from autograder.errors import NotebookError

__all__ = ["MAX_BYTES", "normalized", "read_notebook", "read_with_repairs"]

MAX_BYTES = 100 * 2**20
MAX_ITEMS = 5_000_000  # values in the JSON text; 5 million cost about 500 MB while it is read
MAX_CELLS = 5_000
MAX_CELL_SOURCE = 2**20
MAX_SOURCE = 8 * 2**20
MAX_REPAIRS = 20
KERNEL_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # linear: an open string ends with the text
_GRADE_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_PICTURES = ("image/png", "image/jpeg", "image/gif")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_NOTEBOOKS = (  # (how the file begins, what it is)
    (b"PK\x03\x04", "a zip archive"),
    (b"%PDF", "a PDF"),
    (b"\x89PNG", "a picture"),
    (b"<!doctype html", "a web page (download the notebook itself, not the page that shows it)"),
    (b"<html", "a web page (download the notebook itself, not the page that shows it)"),
    (b"# ---", "a text version of a notebook (jupytext)"),
    (b"import ", "a Python script"),
    (b"from ", "a Python script"),
)


def read_notebook(data: bytes, max_bytes: int = MAX_BYTES) -> NotebookNode:
    """Read the bytes of a submitted file as an nbformat 4.5 notebook without outputs.

    Raises: NotebookError with the reason, in words for the student.
    """
    return read_with_repairs(data, max_bytes)[0]


def read_with_repairs(data: bytes, max_bytes: int = MAX_BYTES) -> tuple[NotebookNode, tuple[str, ...]]:
    """As `read_notebook`; also what had to be repaired, in words for a person."""
    if len(data) > max_bytes:
        raise NotebookError(
            f"the notebook is too large: {len(data) / 2**20:.0f} MB, at most {max_bytes // 2**20} MB. "
            "Clear its outputs and submit it again."
        )
    return normalized(_parsed(_decoded(data)))


def _decoded(data: bytes) -> str:
    head = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head and not data.strip(b"\xef\xbb\xbf \t\r\n\0"):
        raise NotebookError("the file is empty")
    for magic, kind in _NOT_NOTEBOOKS:
        if head.lower().startswith(magic.lower()):
            raise NotebookError(f"the file is not a notebook: it is {kind}")
    try:
        return data.decode(json.detect_encoding(data)).lstrip("\ufeff")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")  # saved by an editor that knows no UTF-8


def _parsed(text: str) -> Any:
    structure = _STRING.sub("", text)
    if sum(map(structure.count, ",[{")) > MAX_ITEMS:
        raise NotebookError("the notebook is too large: it holds millions of values. Clear its outputs.")
    del structure
    try:
        return json.loads(text)
    except RecursionError:
        raise NotebookError("the file is not a notebook: it is nested too deeply") from None
    except json.JSONDecodeError as error:
        if re.search("^<<<<<<< ", text, re.MULTILINE):
            raise NotebookError("the notebook holds an unresolved merge conflict (<<<<<<<)") from None
        cut = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()) - 1
        where = "its end is missing" if cut else f"line {error.lineno}"
        raise NotebookError(f"the file is not a notebook: no valid JSON ({where})") from None
    except ValueError:  # an integer of thousands of digits
        raise NotebookError("the file is not a notebook: no valid JSON") from None


def normalized(notebook: object) -> tuple[NotebookNode, tuple[str, ...]]:
    """Any JSON value, or a notebook that nbformat read, as a plain 4.5 notebook, and the repairs made.

    Raises: NotebookError if there are no cells to be found in it, or too many.
    """
    if not isinstance(notebook, Mapping):
        raise NotebookError("the file is not a notebook: it is JSON of another kind")
    items = _cell_items(notebook)
    if len(items) > MAX_CELLS:
        raise NotebookError(f"the notebook has {len(items)} cells, at most {MAX_CELLS} are read")
    repairs = _kernel_repairs(notebook.get("metadata"))
    cells = []
    for position, item in enumerate(items, start=1):
        if isinstance(item, Mapping):
            cells.append(_cell(item, position, len(cells), repairs))
        else:
            repairs.append(f"cell {position} is not a cell and was left out")
    if (size := sum(len(cell.source) for cell in cells)) > MAX_SOURCE:
        raise NotebookError(
            f"the notebook holds {size / 2**20:.0f} MB of text, at most {MAX_SOURCE // 2**20}"
        )
    if len(repairs) > MAX_REPAIRS:
        repairs[MAX_REPAIRS:] = [f"and {len(repairs) - MAX_REPAIRS} more repairs"]
    node = NotebookNode(nbformat=4, nbformat_minor=5, metadata=_node(KERNEL_METADATA), cells=cells)
    return node, tuple(repairs)


def _kernel_repairs(metadata: object) -> list[str]:
    spec = metadata.get("kernelspec") if isinstance(metadata, Mapping) else None
    language = spec.get("language") if isinstance(spec, Mapping) else None
    if isinstance(language, str) and language.lower() not in ("", "python"):
        return [f"the notebook was written for {language[:30]!r}: it is run as Python"]
    return []


def _cell_items(notebook: Mapping[Any, Any]) -> list[Any]:
    """The cells by what is there, not by the version that the file claims (3 and older: worksheets)."""
    if isinstance(cells := notebook.get("cells"), list):
        return cells
    if isinstance(sheets := notebook.get("worksheets"), list):
        lists = [sheet.get("cells") for sheet in sheets if isinstance(sheet, Mapping)]
        return [cell for cells in lists if isinstance(cells, list) for cell in cells]
    raise NotebookError("the file is not a notebook: it has no cells")


def _cell(item: Mapping[Any, Any], position: int, index: int, repairs: list[str]) -> NotebookNode:
    cell_type = item.get("cell_type")
    source = _text(item["source"] if "source" in item else item.get("input", ""))
    if source is None:
        repairs.append(f"the text of cell {position} was damaged and is empty now")
        source = ""
    if cell_type == "heading":  # version 3
        level = item.get("level")
        source = "#" * (level if level in (1, 2, 3, 4, 5, 6) else 1) + " " + " ".join(source.split())
    if cell_type in ("heading", "html"):
        cell_type = "markdown"
    if cell_type not in ("code", "markdown", "raw"):
        repairs.append(f"cell {position} has no known type and is not run")
        cell_type = "raw"
    if len(source) > MAX_CELL_SOURCE:
        repairs.append(f"cell {position} is too large ({len(source) / 2**20:.1f} MB) and is not run")
        source = f"raise MemoryError('this cell held {len(source)} characters and was not run')"
    cell = NotebookNode(id=f"cell-{index}", cell_type=cell_type, metadata=NotebookNode(), source=source)
    if grade_id := _grade_id(item.get("metadata")):
        cell.metadata.nbgrader = NotebookNode(grade_id=grade_id)
    if cell_type == "code":
        cell.update(execution_count=None, outputs=[])
    elif attachments := _attachments(item.get("attachments")):
        cell.attachments = attachments
    return cell


def _text(value: object) -> str | None:
    """Text or a list of lines as one text with unix line ends; None if it is neither."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        return None
    return _SURROGATE.sub("\ufffd", value).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def _grade_id(metadata: object) -> str | None:
    nbgrader = metadata.get("nbgrader") if isinstance(metadata, Mapping) else None
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, Mapping) else None
    return grade_id if isinstance(grade_id, str) and _GRADE_ID.fullmatch(grade_id) else None


def _attachments(value: object) -> NotebookNode:
    """Pictures pasted into a text cell; every other kind could carry a script."""
    kept = NotebookNode()
    for name, bundle in list(value.items())[:100] if isinstance(value, Mapping) else ():
        for kind, data in bundle.items() if isinstance(bundle, Mapping) else ():
            data = _text(data)
            if kind in _PICTURES and data and _BASE64.fullmatch(data) and isinstance(name, str):
                kept[_SURROGATE.sub("\ufffd", name)[:255]] = NotebookNode({kind: data})
    return kept


def _node(value: Mapping[str, Any]) -> NotebookNode:
    return NotebookNode({k: _node(v) if isinstance(v, Mapping) else v for k, v in value.items()})
