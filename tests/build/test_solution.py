"""The solution's text: what the student sees, what goes between the marks, what cannot be taken."""

import ast
import re
from textwrap import dedent

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.preprocessors import ClearSolutions

from autograder.build.solution import find_solution


@pytest.fixture
def reference(tmp_path):
    """Writes `tiny_reference/module.py` and finds `name` in it."""

    def find(text, name):
        (tmp_path / "tiny_reference").mkdir(exist_ok=True)
        (tmp_path / "tiny_reference" / "module.py").write_text(dedent(text))
        return find_solution(f"tiny_reference.module.{name}", tmp_path)

    return find


def stub(solution):
    """What nbgrader leaves of the marked text."""
    cell = new_code_cell(solution.marked)
    cell.metadata["nbgrader"] = {"grade": False, "solution": True, "locked": False, "schema_version": 3}
    clear = ClearSolutions(code_stub={"python": "raise NotImplementedError"})
    return clear.preprocess(new_notebook(cells=[cell]), {})[0].cells[0].source


def test_a_function_keeps_signature_and_docstring_and_loses_its_body(reference):
    solution = reference(
        '''
        import math

        def area(
            radius,  # in metres
            *, scale=1.0,
        ):
            """The area.

            Args: radius: a number.
            """

            # pi is the secret
            squared = radius * radius

            return math.pi * squared * scale
            # so it is

        OTHER = 1
        ''',
        "area",
    )
    assert stub(solution) == dedent(
        '''\
        def area(
            radius,  # in metres
            *, scale=1.0,
        ):
            """The area.

            Args: radius: a number.
            """

            raise NotImplementedError'''
    )
    assert solution.hidden == (
        "# pi is the secret",
        "squared = radius * radius",
        "return math.pi * squared * scale",
        "# so it is",
    )
    assert solution.imports == {"math": "import math"}


def test_taking_the_marks_out_gives_the_reference_back(reference):
    text = '@decorated\ndef area(r):\n    """Area."""\n    def inner():\n        return r\n    return inner()'
    solution = reference(text, "area")
    assert re.sub(r"\n *### (BEGIN|END) SOLUTION", "", solution.marked) == solution.text == text


def test_a_function_without_docstring_hides_the_comments_above_its_first_statement(reference):
    assert stub(reference("def f(x):\n\n    # secret\n    return x\n", "f")) == (
        "def f(x):\n\n    raise NotImplementedError"
    )


def test_the_end_of_a_docstring_that_looks_like_a_comment_is_not_hidden(reference):
    solution = reference('def f(x):\n    """Example:\n    # f(1)"""\n    return x\n', "f")
    assert ast.get_docstring(ast.parse(stub(solution)).body[0]) == "Example:\n# f(1)"


def test_a_class_keeps_its_frame_and_loses_every_method_body(reference):
    solution = reference(
        '''
        @registered
        class Counter(Base):
            """Counts."""

            supports_masking = True

            def __init__(self, start):
                """Begin at start."""
                super().__init__()
                self.count = start

            @property
            def twice(self):
                return 2 * self.count
                # a secret comment

            def nothing(self):
                """To be overridden."""

            def get_config(self):
                """For saving."""
                return {**super().get_config(), "start": self.start}
        ''',
        "Counter",
    )
    assert stub(solution) == dedent(
        '''\
        @registered
        class Counter(Base):
            """Counts."""

            supports_masking = True

            def __init__(self, start):
                """Begin at start."""
                raise NotImplementedError

            @property
            def twice(self):
                raise NotImplementedError

            def nothing(self):
                """To be overridden."""

            def get_config(self):
                """For saving."""
                return {**super().get_config(), "start": self.start}'''
    )


def test_a_get_config_of_several_statements_is_hidden(reference):
    solution = reference(
        """
        class A:
            def get_config(self):
                config = {}
                return config
        """,
        "A",
    )
    assert "config = {}" not in stub(solution)


def test_a_string_at_column_0_does_not_move_the_stub(reference):
    solution = reference('def f():\n    text = """\nleft\n"""\n    return text\n', "f")
    assert stub(solution) == "def f():\n    raise NotImplementedError"
    compile(solution.marked, "marked", "exec")


def test_the_line_is_that_of_the_decorator(reference):
    assert reference("\n\n@decorated\ndef f():\n    return 1\n", "f").line == 4 - 1


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("def area(r):\n    return r\n", "aera", "no function or class 'aera'. It has: area"),
        ("AREA = 1\n", "AREA", "no function or class 'AREA'"),
        ("def f(): return 1\n", "f", "line 1: write the body below the `def`"),
        ("def f():\n    '''Doc.'''\n", "f", "no body that a student could write"),
        ("class A:\n    def f(self):\n        pass\n", "A", "no body that a student could write"),
    ],
)
def test_what_cannot_be_a_solution_is_refused(reference, text, name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        reference(text, name)


def test_an_unknown_module_is_refused(tmp_path):
    with pytest.raises(ValueError, match=re.escape("no module 'tiny_refrence.module'")):
        find_solution("tiny_refrence.module.area", tmp_path)
    with pytest.raises(ValueError, match="no module"):
        find_solution("area", tmp_path)


def test_a_reference_outside_the_course_is_found_on_the_path(tmp_path):
    solution = find_solution("reference_impl.lookup.hard_lookup", tmp_path)
    assert solution.text.startswith("def hard_lookup(")
