"""An executed notebook that may be shown: in the feedback page, in Formgrader, in JupyterLab.

nbgrader's pages put HTML outputs, raw cells and markdown cells into the page as they are, so whatever a
student wrote would run in the browser of whoever marks it, next to the gradebook. After `safe_to_show` the
notebook holds text, plain tables and PNG or JPEG pictures, each of a bounded size.
"""

import base64
import binascii
import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_output

from autograder.report.plain_text import one_line, plain
from autograder.report.safe_html import safe_html

__all__ = ["safe_outputs", "safe_sources", "safe_to_show"]

MAX_TEXT = 50_000
MAX_HTML = 100_000
MAX_PICTURE = 2 * 2**20
MAX_OUTPUTS = 100  # of a cell
MAX_NOTEBOOK = 20 * 2**20

_PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
}
_ATTACHMENT = re.compile(r"attachment\\?:([^\s)\"'<>]*)", re.IGNORECASE)
# A browser starts a tag at `<` with a letter, `/`, `!` or `?` behind it. Simple tags without attributes
# and links in angle brackets stay; into every other one goes a zero-width space.
_TAG_START = re.compile(
    r"<(?=[A-Za-z/!?])"
    r"(?!/?(?:br|b|i|em|strong|sub|sup|code|kbd|p|hr)\s*/?>)"
    r"(?!https?://[^\s<>\"'`]*>)",
    re.IGNORECASE,
)
# Where a link leads: a place with a scheme, or what could turn out as one, becomes a relative one.
_LINK_TARGET = re.compile(
    r"(\]\(\s*|\]:\s*)(?=\S*[:&\\])"
    r"(?!https?://|mailto:|attachment:|data:image/(?:png|jpeg|gif);base64,)",
    re.IGNORECASE,
)


def safe_to_show(nb: NotebookNode) -> NotebookNode:
    """A copy without anything that a browser would run. Grades, ids and order do not change."""
    return safe_sources(safe_outputs(nb))


def safe_sources(nb: NotebookNode) -> NotebookNode:
    """A copy whose markdown and raw cells hold no HTML but simple tags, and no attachments but pictures.

    Locked cells, whose text is the instructor's, are not touched: restore the notebook first.
    """
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if cell.cell_type == "code" or _is_instructors(cell):
            continue
        pictures = _safe_attachments(cell.pop("attachments", None))
        if pictures:
            cell.attachments = pictures
        source = _ATTACHMENT.sub(_if_in(pictures), cell.source)
        cell.source = _LINK_TARGET.sub(r"\1./", _TAG_START.sub("<\u200b", source))
    return nb


def safe_outputs(nb: NotebookNode) -> NotebookNode:
    """A copy whose outputs are text, plain tables and pictures, with no metadata but sizes."""
    nb = copy.deepcopy(nb)
    nb.metadata.pop("widgets", None)
    left = MAX_NOTEBOOK
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        outputs = []
        for output in cell.get("outputs", [])[:MAX_OUTPUTS]:
            safe = _safe_output(output)
            if safe is not None:
                left -= _size(safe)
                outputs.append(safe if left > 0 else _note("output left out: the notebook shows too much"))
        if len(cell.get("outputs", [])) > MAX_OUTPUTS:
            outputs.append(_note(f"{len(cell.outputs) - MAX_OUTPUTS} more outputs left out"))
        cell.outputs = outputs
        cell.execution_count = _safe_count(cell.get("execution_count"))
    return nb


def _safe_output(output: Mapping[str, Any]) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=plain(_joined(output.get("text")), MAX_TEXT) + "\n")
    if kind == "error":
        lines = output.get("traceback")
        trace = plain("\n".join(map(str, lines)) if isinstance(lines, list) else "", MAX_TEXT)
        name, value = one_line(output.get("ename", "")), plain(output.get("evalue", ""))
        return new_output("error", ename=name, evalue=value, traceback=trace.split("\n"))
    if kind in ("display_data", "execute_result"):
        data, metadata = _safe_data(output.get("data"), output.get("metadata"))
        count = _safe_count(output.get("execution_count"))
        more = {"execution_count": count} if kind == "execute_result" else {}
        return new_output(kind, data=data, metadata=metadata, **more) if data else None
    return None


def _safe_count(value: object) -> int | None:
    """A cell's number; nbconvert writes whatever is there into the page as it is."""
    return value if type(value) is int and 0 <= value < 1_000_000 else None


def _safe_data(data: object, metadata: object) -> tuple[dict[str, str], dict[str, Any]]:
    """The first picture, else a table; always with the plain text, which says what was left out."""
    if not isinstance(data, Mapping):
        return {}, {}
    safe: dict[str, str] = {}
    notes = []
    if "text/plain" in data:
        safe["text/plain"] = plain(_joined(data["text/plain"]), MAX_TEXT)
    for kind, magic in _PICTURES.items():
        if kind in data and not safe.keys() & _PICTURES.keys():
            picture = "".join(_joined(data[kind]).split())
            if _is_picture(picture, magic):
                safe[kind] = picture
                return safe, _safe_size(metadata, kind)
            notes.append(f"[{kind} of {len(picture) * 3 / 4e6:.1f} MB left out]")
    html = _joined(data.get("text/html", ""))
    if "<table" in html.lower() and len(html) <= MAX_HTML and (table := safe_html(html)):
        safe["text/html"] = table
    elif not safe:
        notes += [f"[{one_line(kind, 60)} left out]" for kind in list(data)[:5] if kind not in _PICTURES]
    if notes:
        safe["text/plain"] = " ".join([*notes, safe.get("text/plain", "")]).strip()
    return safe, {}


def _is_picture(data: str, magic: bytes) -> bool:
    if len(data) > MAX_PICTURE * 4 / 3:
        return False
    try:
        return base64.b64decode(data, validate=True).startswith(magic)
    except (binascii.Error, ValueError):
        return False


def _safe_size(metadata: object, kind: str) -> dict[str, Any]:
    """Width and height of a picture; nbconvert writes both unquoted into the page."""
    sizes = metadata.get(kind) if isinstance(metadata, Mapping) else None
    if not isinstance(sizes, Mapping):
        return {}
    kept = {name: sizes.get(name) for name in ("width", "height")}
    return {kind: {name: value for name, value in kept.items() if type(value) is int and 0 < value < 10_000}}


def _if_in(pictures: NotebookNode) -> Callable[[re.Match[str]], str]:
    """nbconvert fails at the whole page when a picture is missing that a cell refers to."""
    return lambda match: match[0] if match[1] in pictures else f"missing picture {match[1]}"


def _safe_attachments(attachments: object) -> NotebookNode:
    kept = NotebookNode()
    for name, bundle in attachments.items() if isinstance(attachments, Mapping) else ():
        for kind, magic in _PICTURES.items():
            if isinstance(bundle, Mapping) and kind in bundle:
                picture = "".join(_joined(bundle[kind]).split())
                if _is_picture(picture, magic):
                    kept[name] = NotebookNode({kind: picture})
    return kept


def _is_instructors(cell: NotebookNode) -> bool:
    nbgrader = cell.metadata.get("nbgrader", {})
    return bool(nbgrader.get("locked")) and not nbgrader.get("solution")


def _note(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=f"[{text}]\n")


def _joined(value: object) -> str:
    """nbformat allows a text or a list of lines."""
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def _size(output: NotebookNode) -> int:
    data = output.get("data") or {"": output.get("text", "")}
    return sum(len(value) for value in data.values()) + sum(map(len, output.get("traceback", [])))
