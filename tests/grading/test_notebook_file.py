"""Any file is a notebook that can be run, or a NotebookError that says why not."""

import json
import time

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import NotebookError
from autograder.grading import notebook_file
from autograder.grading.notebook_file import read_notebook, read_with_repairs
from tests.grading.notebook_parts import as_bytes, cell_like, code, json_values


def sources(nb):
    nbformat.validate(nb)
    return [(cell.cell_type, cell.source) for cell in nb.cells]


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-32"),
        lambda text: text.encode("latin-1"),
        lambda text: text.replace("\n", "\r\n").encode(),
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-le", "utf-32", "latin-1", "crlf"],
)
def test_every_encoding_that_editors_save(encode):
    text = json.dumps(json.loads(as_bytes(code("größe = 1"))), ensure_ascii=False, indent=1)
    assert sources(read_notebook(encode(text))) == [("code", "größe = 1")]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n", "is empty"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"  <!DOCTYPE html><html>", "web page"),
        (b"import numpy as np\n", "Python script"),
        (b"\x00\x01\x02", "no valid JSON"),
        (b'{"cells": [', "its end is missing"),
        (as_bytes(code("x = 1"))[:-30], "its end is missing"),
        (b'{"cells": [\n<<<<<<< HEAD\n]}', "merge conflict"),
        (b'{"cells": [\n1 2]}', "line 2"),
        (b"[1, 2]", "JSON of another kind"),
        (b"null", "JSON of another kind"),
        (b'{"cells": {}}', "has no cells"),
        (b'{"nbformat": 4}', "has no cells"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"cells": [%s]}' % (b"9" * 5000), "no valid JSON"),
    ],
)
def test_what_is_not_a_notebook_is_refused_with_the_reason(data, says):
    with pytest.raises(NotebookError, match=says):
        read_notebook(data)


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([code("")] * 5001, "5001 cells"),
        ([code("#" * 2**20)] * 9, "9 MB of text"),
    ],
)
def test_giants_are_refused_with_the_reason(cells, says):
    with pytest.raises(NotebookError, match=says):
        read_notebook(as_bytes(*cells))


def test_a_file_over_the_limit_is_refused_before_it_is_parsed():
    with pytest.raises(NotebookError, match=r"too large: 2 MB, at most 1 MB\. Clear its outputs"):
        read_notebook(b"\0" * 2**21, max_bytes=2**20)


@pytest.mark.parametrize("unit", [b"[],", b'"",', b"0,", b'{"":0},'])
def test_a_file_that_would_fill_the_memory_is_refused_before_it_is_parsed(unit, monkeypatch):
    monkeypatch.setattr(notebook_file, "MAX_ITEMS", 10_000)
    monkeypatch.setattr(notebook_file.json, "loads", lambda text: pytest.fail("it was parsed"))
    with pytest.raises(NotebookError, match="millions of values"):
        read_notebook(b'{"cells": [' + unit * 20_000 + b"0]}")


@pytest.mark.parametrize("unit", [b'\\"', b'"', b"\\", b'"\\'])
def test_counting_the_values_takes_linear_time(unit):
    start = time.process_time()
    with pytest.raises(NotebookError):
        read_notebook(b'{"cells": "' + unit * 2_000_000)
    assert time.process_time() - start < 5


def test_large_outputs_are_read_and_dropped():
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 30_000_000}}
    start = time.process_time()
    nb = read_notebook(as_bytes(code("plot()", outputs=[picture])))
    assert time.process_time() - start < 5
    assert nb.cells[0].outputs == []
    assert nb.cells[0].execution_count is None


def test_a_cell_too_large_to_run_says_so_and_the_others_stay():
    nb, repairs = read_with_repairs(as_bytes(code("x = 1"), code("#" * 2_000_000), code("y = 2")))
    assert [cell.source for cell in nb.cells][::2] == ["x = 1", "y = 2"]
    assert nb.cells[1].source.startswith("raise MemoryError(")
    assert repairs == ("cell 2 is too large (1.9 MB) and is not run",)


def test_version_3_is_read():
    sheet = {
        "cells": [
            {"cell_type": "heading", "level": 2, "source": ["Title"], "metadata": {}},
            {"cell_type": "code", "input": ["x = 1\n", "y = 2"], "language": "python", "outputs": [{"a": 1}]},
            {"cell_type": "html", "source": "<b>x</b>"},
        ]
    }
    data = json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": [sheet]})
    assert sources(read_notebook(data.encode())) == [
        ("markdown", "## Title"),
        ("code", "x = 1\ny = 2"),
        ("markdown", "<b>x</b>"),
    ]


@pytest.mark.parametrize(
    "version", [{"nbformat": 9}, {"nbformat": "4"}, {"nbformat_minor": 99}, {"nbformat": None}]
)
def test_the_version_that_a_file_claims_does_not_matter(version):
    nb = read_notebook(as_bytes(code("x = 1"), **version))
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5)
    assert sources(nb) == [("code", "x = 1")]


def test_nothing_that_steers_the_run_survives():
    cell = code(
        "x", metadata={"tags": ["skip-execution", "raises-exception"], "nbgrader": {"points": 99}}, id="!"
    )
    notebook = as_bytes(cell, metadata={"kernelspec": {"name": "evil", "language": "bash"}, "widgets": {}})
    nb, repairs = read_with_repairs(notebook)
    nbformat.validate(nb)
    assert nb.cells[0].metadata == {}
    assert nb.metadata.kernelspec.name == "python3"
    assert set(nb.metadata) == {"kernelspec", "language_info"}
    assert repairs == ("the notebook was written for 'bash': it is run as Python",)


def test_damaged_cells_are_repaired_and_named():
    nb, repairs = read_with_repairs(
        as_bytes(7, {"cell_type": "code", "source": 5}, {"source": "?"}, code(["a\r\n", "b"]), code(["a", 1]))
    )
    assert sources(nb) == [("code", ""), ("raw", "?"), ("code", "a\nb"), ("code", "")]
    assert [repair[:7] for repair in repairs] == ["cell 1 ", "the tex", "cell 3 ", "the tex"]


def test_the_list_of_repairs_is_short():
    assert len(read_with_repairs(as_bytes(*[0] * 1000))[1]) == 21


def test_half_characters_and_zero_bytes_are_taken_out():
    nb = read_notebook(as_bytes(code("s = '\ud800'\0")))
    assert nb.cells[0].source == "s = '\ufffd'"
    nb.cells[0].source.encode()


def test_pasted_pictures_stay_and_other_attachments_go():
    attachments = {
        "a.png": {"image/png": "iVBORw0KGgo="},
        "b": {"image/svg+xml": "<svg onload=alert(1)>"},
        "c": {'image/png" onerror="alert(1)': "iVBO"},
        "d": {"image/png": '" onerror="alert(1)'},
        "e": 7,
    }
    cell = {"cell_type": "markdown", "source": "![](attachment:a.png)", "attachments": attachments}
    nb = read_notebook(as_bytes(cell))
    nbformat.validate(nb)
    assert nb.cells[0].attachments == {"a.png": {"image/png": "iVBORw0KGgo="}}


notebook_like = st.fixed_dictionaries(
    {},
    optional={
        "cells": st.lists(cell_like | json_values, max_size=5) | json_values,
        "worksheets": st.lists(
            st.fixed_dictionaries({"cells": json_values | st.lists(cell_like)}) | json_values
        ),
        "metadata": json_values | st.fixed_dictionaries({"kernelspec": json_values}),
        "nbformat": json_values,
        "nbformat_minor": json_values,
    },
)


@settings(max_examples=300, deadline=None)
@given(notebook_like | json_values)
def test_any_json_is_a_valid_notebook_or_a_reason(value):
    try:
        nb, repairs = read_with_repairs(json.dumps(value).encode())
    except NotebookError as error:
        assert str(error)
        return
    nbformat.validate(nb)
    nbformat.writes(nb).encode()
    assert all(isinstance(repair, str) for repair in repairs)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300) | st.text().map(lambda text: ("{" + text + "}").encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_valid_notebook_or_a_reason(data):
    try:
        nbformat.validate(read_notebook(data))
    except NotebookError as error:
        assert str(error)
