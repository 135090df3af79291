"""Nothing that a student wrote runs in the browser of whoever looks at the feedback page or marks by hand."""

import base64

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from autograder.report.safe_html import safe_html
from autograder.report.safe_notebook import MAX_NOTEBOOK, safe_outputs, safe_sources, safe_to_show
from tests.report.pages_of_nbgrader import Tags, feedback_page

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(50)).decode()
EVIL = "<script>pwn()</script><img src=x onerror=pwn()><svg onload=pwn()><a href='javascript:pwn()'>x</a>"
HOSTILE_OUTPUTS = {
    "html": new_output("display_data", data={"text/html": EVIL}),
    "table": new_output(
        "display_data", data={"text/html": f"<table onclick=pwn()><tr><td>{EVIL}</td></tr></table>"}
    ),
    "result": new_output("execute_result", data={"text/html": EVIL, "text/plain": "x"}, execution_count=1),
    "svg": new_output("display_data", data={"image/svg+xml": "<svg onload=pwn()>"}),
    "javascript": new_output("display_data", data={"application/javascript": "pwn()"}),
    "markdown": new_output("display_data", data={"text/markdown": EVIL}),
    "latex": new_output("display_data", data={"text/latex": r"$\href{javascript:pwn()}{x}$"}),
    "widget": new_output("display_data", data={"application/vnd.jupyter.widget-view+json": {"pwn": 1}}),
    "mermaid": new_output("display_data", data={"text/vnd.mermaid": EVIL}),
    "picture that is none": new_output("display_data", data={"image/png": '" onerror="pwn()'}),
    "picture's width": new_output(
        "display_data", data={"image/png": PNG}, metadata={"image/png": {"width": "1 onerror=pwn()"}}
    ),
    "file name": new_output(
        "display_data", data={"image/png": PNG}, metadata={"filenames": {"image/png": '"pwn'}}
    ),
    "isolated": new_output(
        "display_data", data={"text/html": EVIL}, metadata={"text/html": {"isolated": True}}
    ),
    "stream": new_output("stream", text=EVIL),
    "traceback": new_output("error", ename=EVIL, evalue=EVIL, traceback=[EVIL]),
}
HOSTILE_SOURCES = {
    "markdown": new_markdown_cell(EVIL),
    "unclosed": new_markdown_cell("<img src=x onerror=pwn() "),
    "block": new_markdown_cell("<div\nonclick=pwn()>x</div>\n\n<?php pwn() ?>\n\n<![CDATA[pwn]]>"),
    "link": new_markdown_cell("[x](javascript:pwn()) [x]( \n JavaScript:pwn()) ![x](x\"onerror=pwn())"),
    "disguised link": new_markdown_cell("[x](java&#115;cript:pwn()) [x](&Tab;javascript:pwn())"),
    "data": new_markdown_cell("[x](data:text/html,pwn)"),
    "link in brackets": new_markdown_cell("<javascript:pwn()> [x](<javascript:pwn()>)"),
    "link elsewhere": new_markdown_cell("[x][1] [y]\n\n[1]: javascript:pwn()\n[y]:\n  data:text/html,pwn"),
    "almost simple": new_markdown_cell("<b onclick=pwn()>x</b> <br/onclick=pwn()> <BR onclick=pwn()>"),
    "autolink": new_markdown_cell("<https://x.org/\"onclick=pwn()> <http://a'onclick=pwn()>"),
    "in code": new_markdown_cell("`<script>pwn()</script>`\n\n```\n<script>pwn()</script>\n```"),
    "mermaid": new_markdown_cell(f"```mermaid\n{EVIL}\n```"),
    "math": new_markdown_cell(f"$ {EVIL} $ and $${EVIL}$$ \\begin{{align}}{EVIL}\\end{{align}}"),
    "raw": new_raw_cell(EVIL),
    "svg attachment": new_markdown_cell("![](attachment:a)", attachments={"a": {"image/svg+xml": "<svg/>"}}),
    "attachment's kind": new_markdown_cell("![](attachment:a)", attachments={"a": {'x" onerror="pwn()': ""}}),
}  # fmt: skip


def dangers(page):
    found = Tags(page)
    for tag, attrs in found.tags:
        for name, value in attrs.items():
            target = "".join((value or "").split()).lower()
            if name.startswith("on") or target.startswith(("javascript:", "data:text")):
                yield tag, name, value
        if tag in ("iframe", "svg", "object", "embed"):
            yield tag, "", ""
    yield from (("script", "", script) for script in found.scripts if "pwn" in script)


def page_of(*cells):
    nb = safe_to_show(new_notebook(cells=list(cells)))
    nbformat.validate(nb)
    return feedback_page(nb)


def raw_page_of(*cells):
    return feedback_page(new_notebook(cells=list(cells)))


@pytest.mark.parametrize("output", HOSTILE_OUTPUTS.values(), ids=HOSTILE_OUTPUTS)
def test_hostile_outputs_do_nothing(output):
    assert list(dangers(page_of(new_code_cell("x", outputs=[output])))) == []


@pytest.mark.parametrize("cell", HOSTILE_SOURCES.values(), ids=HOSTILE_SOURCES)
def test_hostile_text_does_nothing(cell):
    assert list(dangers(page_of(cell))) == []


def test_these_tests_would_notice():
    """nbgrader's page of the same cells, as they were, does run what a student wrote."""
    for name in ("html", "isolated", "javascript", "markdown", "picture's width"):
        assert list(dangers(raw_page_of(new_code_cell("x", outputs=[HOSTILE_OUTPUTS[name]])))), name
    for name in ("markdown", "block", "link", "disguised link", "almost simple"):
        assert list(dangers(raw_page_of(HOSTILE_SOURCES[name]))), name


def test_a_picture_that_is_missing_does_not_break_the_page():
    page = page_of(new_markdown_cell("![mine](attachment:gone.png) and [x]: attachment:no"))
    assert "missing picture gone.png" in page


def test_pictures_text_and_tables_stay():
    sized = new_output(
        "display_data",
        data={"image/png": PNG, "text/plain": "<Figure>"},
        metadata={"image/png": {"width": 300}},
    )
    table = "<table border='1'><tr><th colspan='2'>a</th></tr><tr><td>1 < 2</td></tr></table>"
    frame = f"<style scoped>.x{{}}</style>{table}"
    outputs = [
        sized,
        new_output(
            "execute_result", data={"text/html": frame, "text/plain": "   a\n0  1"}, execution_count=3
        ),
        new_output("stream", text="loss \x1b[1m0.1\x1b[0m\n"),
        new_output("stream", name="stderr", text="careful"),
        new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31mValueError\x1b[0m: no"]),
    ]
    shown = safe_outputs(new_notebook(cells=[new_code_cell("x", outputs=outputs)])).cells[0].outputs
    assert shown[0] == sized
    assert shown[1].data["text/plain"] == "   a\n0  1"
    assert (
        shown[1].data["text/html"]
        == '<table><tr><th colspan="2">a</th></tr><tr><td>1 &lt; 2</td></tr></table>'
    )
    assert [shown[2].text, shown[3].name, shown[4].traceback] == ["loss 0.1\n", "stderr", ["ValueError: no"]]


def test_what_calls_itself_a_picture_is_looked_at():
    svg = base64.b64encode(b"<svg onload=pwn()>").decode()
    output = new_output("display_data", data={"image/png": svg, "text/plain": "x"})
    (shown,) = safe_outputs(new_notebook(cells=[new_code_cell("x", outputs=[output])])).cells[0].outputs
    assert shown.data == {"text/plain": "[image/png of 0.0 MB left out] x"}


def test_the_state_of_widgets_goes():
    state = {"application/vnd.jupyter.widget-state+json": {"state": {"pwn": 1}}}
    assert safe_outputs(new_notebook(metadata={"widgets": state})).metadata == {}


def test_what_is_left_out_is_named():
    output = new_output("display_data", data={"application/javascript": "pwn()"})
    (shown,) = safe_outputs(new_notebook(cells=[new_code_cell("x", outputs=[output])])).cells[0].outputs
    assert shown.data == {"text/plain": "[application/javascript left out]"}


def test_written_answers_keep_their_simple_formatting():
    text = "a < b, `x<y`, **bold**<br>line <sub>i</sub>, <https://arxiv.org/abs/1706.03762>\n> quote & $a<b$"
    text += " [a](fig.png) [b](https://x.org) ![c](data:image/png;base64,aa==) see [1]: here"
    shown = safe_sources(new_notebook(cells=[new_markdown_cell(text)])).cells[0].source
    assert shown.replace("\u200b", "") == text
    assert shown.count("\u200b") == 2  # the two that look like the start of a tag: <y and <b$


def test_the_instructors_own_text_is_not_touched():
    locked = {"nbgrader": {"grade_id": "a", "locked": True, "grade": False, "solution": False}}
    nb = new_notebook(cells=[new_markdown_cell("<div class='hint'>Hint</div>", metadata=locked)])
    assert safe_sources(nb) == nb


def test_500_mb_of_plots_become_a_page_of_bounded_size():
    picture = NotebookNode(
        output_type="display_data", metadata={}, data={"image/png": PNG[:-4] + "A" * 1_000_000}
    )
    large = NotebookNode(
        output_type="display_data", metadata={}, data={"image/png": PNG[:-4] + "A" * 4_000_000}
    )
    text = new_output("stream", text="y" * 10**6)
    nb = new_notebook(cells=[new_code_cell("x", outputs=[large, text] + [picture] * 150)])
    shown = safe_outputs(nb).cells[0].outputs
    assert len(nbformat.writes(new_notebook(cells=[new_code_cell("x", outputs=shown)]))) < MAX_NOTEBOOK * 1.2
    assert len(shown[1].text) <= 50_001
    assert shown[0].data["text/plain"] == "[image/png of 3.0 MB left out]"
    assert shown[-1].text == "[52 more outputs left out]\n"
    assert "shows too much" in shown[-2].text


def test_the_argument_is_not_changed():
    nb = new_notebook(cells=[new_code_cell("x", outputs=[HOSTILE_OUTPUTS["html"]]), new_markdown_cell(EVIL)])
    before = nbformat.writes(nb)
    safe_to_show(nb)
    assert nbformat.writes(nb) == before


@pytest.mark.parametrize(
    ("source", "safe"),
    [
        ("</div></div><b>x", "<b>x</b>"),
        ("<table><tr><td>1</table>", "<table><tr><td>1</td></tr></table>"),
        ("a<script>b<b>c</script>d", "ad"),
        ("<svg><style><img src=x onerror=pwn()></style></svg>e", "e"),
        ("<noscript><p title='</noscript><img onerror=pwn()>'>", ""),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("<td colspan='9999999999999' rowspan='&#x663;'>", "<td></td>"),
        ("<b/><br/><img/>", "<br>"),
        ("<!-- <b> --><?x?><!DOCTYPE x>", ""),
    ],
)
def test_markup_is_written_anew(source, safe):
    assert safe_html(source) == safe


def test_depth_is_bounded():
    assert safe_html("<div>" * 10_000).count("<div>") == 40
