"""Which names a cell needs and defines."""

import pytest

from autograder.build.names import check_syntax, defined_names, imports_all, line_of_name, needed_names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = b = 1", {"a", "b"}),
        ("import os.path, numpy as np", {"os", "np"}),
        ("def f(x):\n    y = 1", {"f"}),
        ("for i, j in []:\n    pass", {"i", "j"}),
        ("with open('x') as file:\n    pass", {"file"}),
        ("def f():\n    global shared\n    shared = 1", {"f", "shared"}),
        ("(walrus := 1)", {"walrus"}),
        ("%matplotlib inline", set()),
    ],
)
def test_defined_names(source, names):
    assert defined_names(source) == names


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("ops.matmul(a, b)", {"ops", "a", "b"}),
        ("a = 1\nprint(a)", set()),
        ("def f(x=limit):\n    return helper(x)", {"limit", "helper"}),
        ("def f(n):\n    return n * f(n - 1)", set()),
        (
            "class A(keras.Layer):\n    size = 3\n    def call(self):\n        return super().call(size)",
            {"keras", "size"},
        ),
        ("[x * scale for x in range(3)]", {"scale"}),
        ("f = lambda x: x + shift", {"shift"}),
        ("def outer():\n    kept = 1\n    return lambda: kept + free", {"free"}),
        ("@decorator\ndef f() -> Result:\n    pass", {"decorator", "Result"}),
        ("!ls {folder}\ndisplay(In, Out, _)", set()),
        ("await client.get()", {"client"}),
    ],
)
def test_needed_names(source, names):
    assert needed_names(source) == names


def test_imports_all():
    assert imports_all("from math import *")
    assert not imports_all("from math import pi")


def test_line_of_name():
    assert line_of_name("a = 1\nb = 2\nprint(c, b)\nc", "c") == 3


def test_what_ipython_accepts_is_valid_and_the_rest_is_not():
    check_syntax("%%time\nx = 1")
    check_syntax("await something")
    for source in ("def f(:", "return 1"):
        with pytest.raises(SyntaxError):
            check_syntax(source)
