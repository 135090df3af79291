"""nbgrader's feedback page of a notebook, as `nbgrader generate_feedback` makes it; no gradebook needed."""

from html.parser import HTMLParser
from pathlib import Path

import nbgrader
from nbconvert.exporters import HTMLExporter

TEMPLATES = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"


def feedback_page(nb):
    """The HTML that a student opens in a browser."""
    exporter = HTMLExporter(
        template_name="feedback",
        extra_template_basedirs=[str(TEMPLATES / "templates")],
        extra_template_paths=[str(TEMPLATES / "static/node_modules/bootstrap/dist/css")],
    )
    marks = {"notebook": "p01", "score": 2.0, "max_score": 5.0, "late_penalty": 0}
    for cell in nb.cells:
        if "nbgrader" in cell.metadata and cell.metadata.nbgrader.get("grade"):
            cell.metadata.nbgrader.setdefault("score", 2.0)
    return exporter.from_notebook_node(nb, resources={"nbgrader": marks})[0]


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and the text of its scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.scripts, self._in_script = [], [], False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_data(self, data):
        if self._in_script:
            self.scripts.append(data)

    def handle_endtag(self, tag):
        self._in_script = False
