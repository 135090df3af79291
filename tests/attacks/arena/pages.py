"""What in a page would be run by a browser or act on a terminal, and cannot be the page's own."""

from __future__ import annotations

import re
from html.parser import HTMLParser

__all__ = ["dangers"]

CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ACTIVE = ("iframe", "object", "embed", "svg", "math", "form", "base")


def dangers(page: str) -> list[str]:
    """The page's own scripts and styles are nbconvert's: only those that speak of the attack count."""
    finder = _Finder()
    finder.feed(page)
    finder.close()
    found = finder.found
    found += [f"control character {found!r}" for found in CONTROLS.findall(page)]
    return found


class _Finder(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._in_script = False
        self._in_figure = False

    def handle_starttag(self, tag, attrs):
        self._in_script = tag in ("script", "style")
        if tag in ACTIVE and not (tag == "svg" and dict(attrs).get("role") == "img"):
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or name == "srcdoc":
                self.found.append(f"{name} of <{tag}>")
            if re.match(r"\s*(javascript|vbscript|data:text)", value or "", re.IGNORECASE):
                self.found.append(f"{name}={value!r:.60} of <{tag}>")

    handle_startendtag = handle_starttag

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._in_script = False

    def handle_data(self, data):
        if self._in_script and "canary-script" in data:
            self.found.append("a script of the attack's")
