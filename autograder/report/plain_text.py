"""Text from a student's process, fit to be shown: no terminal codes, no invisible characters, not endless.

Escaping for HTML is the template's work (autoescape); this takes out what escaping does not.
"""

import re

__all__ = ["check_name", "one_line", "plain"]

_TERMINAL_CODES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]?"  # CSI: colors, cursor
    r"|\x9b[0-?]*[ -/]*[@-~]?"  # the same in eight bits
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC and its like: window titles, links
    r"|\x1b[ -/]*[0-~]?"
)
_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")


def plain(text: object, limit: int = 2_000) -> str:
    """Text with its line breaks and tabs, at most `limit` characters."""
    text = str(text)[: 4 * limit]  # what is cut off need not be cleaned
    text = _TERMINAL_CODES.sub("", text)
    text = _LINE_ENDS.sub("\n", text)
    text = _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", text)).strip("\n")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_line(text: object, limit: int = 200) -> str:
    """The same on one line, for names and table cells."""
    text = " ".join(plain(text, 4 * limit).split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def check_name(check_id: str) -> str:
    """`rows_sum_to_one` as people read it."""
    return one_line(check_id.replace("_", " "), 150)
