"""Forging a verdict: the notebook says that all is right, in every way in which a notebook can say something.

Each of these earns marks where the verdict is made in the student's process; that is what `without` shows.
"""

from attack import Attack

OUTSIDE = "the grader compares values, on inputs drawn after the notebook has run"
RESTORED = "the instructor's cells come from the gradebook, not from the submission"

NAMES = ("affine", "labels", "Counter", "describe")
ANYTHING = "for name in ('affine', 'labels', 'Counter', 'describe'):\n    globals()[name] = lambda *a, **k: Right()\n"
RIGHT_OBJECT = """
class Right:
    shape, dtype = (), float
    def __eq__(self, other): return True
    __gt__ = __lt__ = __ge__ = __le__ = __eq__
    __hash__ = object.__hash__
    def __array__(self, *args, **kwargs): return __import__("numpy").ones(())
    def __getattr__(self, name):
        if name.startswith("__"): raise AttributeError(name)
        return lambda *a, **k: self
    def __call__(self, *a, **k): return self
    def __iter__(self): return iter([self] * 4)
    def __len__(self): return 4
    def __float__(self): return 1.0
    def __index__(self): return 1
"""


def forge(name, tries, answer, **more):
    more.setdefault("without", "outside verdicts")
    return Attack(name=name, tries=tries, answer=answer, defence=more.pop("defence", OUTSIDE), **more)


def edit_tests(change):
    def edit(nb):
        for cell in nb.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                change(cell)

    return edit


def drop_tests(nb):
    nb.cells = [cell for cell in nb.cells if not cell.metadata.get("nbgrader", {}).get("grade")]


def double_tests_with_easy_ones(nb):
    import copy

    for cell in [cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")]:
        easy = copy.deepcopy(cell)
        easy.source = "assert True"
        nb.cells.append(easy)


def reverse(nb):
    nb.cells.reverse()


def raise_points(cell):
    cell.metadata.nbgrader.points = 1000


def swap_ids(nb):
    for cell in nb.cells:
        marks = cell.metadata.get("nbgrader", {})
        if marks.get("solution"):
            marks["grade_id"] = "affine"
        elif marks.get("grade_id") == "affine":
            marks["grade_id"] = "answer"


def execute_result(cell):
    cell.outputs = [
        {"output_type": "execute_result", "data": {"text/plain": "2.0"}, "metadata": {}, "execution_count": 1}
    ]


def set_kernelspec(nb):
    nb.metadata.kernelspec = {"name": "bash", "display_name": "x", "language": "bash"}


CASES = (
    forge("always equal", "results whose comparisons are all true", RIGHT_OBJECT + ANYTHING),
    forge(
        "str subclass",
        "text, numbers and lists of classes of their own, equal to everything",
        """
class Text(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
class Number(float):
    def __eq__(self, other): return True
    __hash__ = float.__hash__
class Listed(list):
    def __eq__(self, other): return True
class Counter:
    total = Number(1)
    def add(self, number): return Number(1)
affine = lambda *a: Listed([[Number(1)]])
labels = lambda *a: Listed([1])
describe = lambda *a: Text("?")
""",
    ),
    forge(
        "ndarray subclass",
        "an array class whose comparisons are all true",
        """
import numpy as np
class Always(np.ndarray):
    def __eq__(self, other): return True
    def __array_ufunc__(self, *a, **k): return np.zeros(())
    def __array_function__(self, *a, **k): return True
def always(*a, **k): return np.zeros((3, 4)).view(Always)
affine = labels = describe = always
class Counter:
    total = always()
    def add(self, number): return always()
""",
    ),
    forge(
        "do execute replaced",
        "the kernel runs no cell any more and says that all went well",
        """
from IPython import get_ipython
async def do_execute(code, *args, **kwargs):
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
get_ipython().kernel.do_execute = do_execute
""",
    ),
    forge(
        "run cell replaced",
        "the shell returns a success for whatever it is given",
        """
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
async def run_cell_async(self, *args, **kwargs):
    result = ExecutionResult(None); result.execution_count = 1
    return result
InteractiveShell.run_cell_async = run_cell_async
""",
    ),
    forge(
        "asserts dropped by an AST transformer",
        "every assert statement is taken out before it runs",
        """
import ast
from IPython import get_ipython
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
    def visit_Expr(self, node): return ast.Pass()
    def visit_Assign(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Drop())
""",
    ),
    forge(
        "text replaced by an input transformer",
        "every later cell becomes `pass`",
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])",
    ),
    forge(
        "assertion error swallowed",
        "the shell no longer shows exceptions and reports success",
        """
from IPython import get_ipython
shell = get_ipython()
shell.set_custom_exc((BaseException,), lambda *a, **k: None)
shell.showtraceback = lambda *a, **k: None
import builtins
class Quiet(BaseException): pass
builtins.AssertionError = Quiet
original = type(shell).run_cell_async
async def run_cell_async(self, *args, **kwargs):
    result = await original(self, *args, **kwargs)
    result.error_in_exec = result.error_before_exec = None
    return result
type(shell).run_cell_async = run_cell_async
""",
    ),
    forge(
        "forged execute result",
        "a mark broadcast as the result of the test cells",
        """
from IPython import get_ipython
kernel = get_ipython().kernel
def said(*args, **kwargs):
    kernel.session.send(kernel.iopub_socket, "execute_result",
        {"data": {"text/plain": "2.0"}, "metadata": {}, "execution_count": 1},
        parent=kernel.get_parent("shell"), ident=b"execute_result")
get_ipython().events.register("pre_run_cell", said)
async def do_execute(code, *args, **kwargs):
    said()
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
kernel.do_execute = do_execute
""",
    ),
    forge(
        "displayhook",
        "whatever a cell ends with is shown as a full mark",
        """
import sys
from IPython import get_ipython
shell = get_ipython()
shell.display_formatter.format = lambda *a, **k: ({"text/plain": "1000"}, {})
shell.showtraceback = lambda *a, **k: None
async def do_execute(code, *args, **kwargs):
    shell.displayhook(2.0)
    return {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
shell.kernel.do_execute = do_execute
""",
    ),
    forge(
        "compile replaced",
        "the compiler of cells gives back an empty program",
        """
from IPython import get_ipython
import builtins
real = builtins.compile
get_ipython().compile.__class__.__call__ = lambda self, *a, **k: real("pass", "x", "exec")
builtins.exec = lambda *a, **k: None
from IPython.core.interactiveshell import InteractiveShell
async def run_code(self, *args, **kwargs): return False
InteractiveShell.run_code = run_code
""",
    ),
    forge(
        "numpy comparisons patched",
        "allclose, assert_allclose and array_equal are always true, isinstance too",
        """
import builtins
import numpy as np, numpy.testing
np.allclose = np.array_equal = np.isclose = lambda *a, **k: True
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *a, **k: None
builtins.callable = builtins.all = builtins.any = lambda *a, **k: True
"""
        + RIGHT_OBJECT
        + ANYTHING,
    ),
    forge(
        "pytest patched",
        "pytest reports success for everything in this process",
        """
import sys
import pytest, _pytest.runner, _pytest.python
_pytest.python.Function.runtest = lambda self: None
_pytest.runner.call_runtest_hook = lambda *a, **k: None
pytest.main = lambda *a, **k: 0
sys.modules["_pytest.assertion"] = None
"""
        + RIGHT_OBJECT
        + ANYTHING,
    ),
    forge(
        "leave with success",
        "the process ends with status 0 before anything is checked",
        "import os\nos._exit(0)",
        without=None,
    ),
    forge(
        "score printed",
        "marks, verdicts and junit reports on stdout and in files",
        'print(\'score: 10/10\'); print(\'{"score": 10.0, "status": "graded"}\')\n'
        'open(\'report.json\', \'w\').write(\'{"schema": 1, "score": 10.0, "status": "graded"}\')\n'
        "open('results.json', 'w').write('{\"score\": 10.0}')",
        without=None,
    ),
    # Notebook metadata
    forge(
        "skip-execution",
        "the test cells carry the tag that nbclient skips",
        "",
        defence=RESTORED,
        without=None,
        edit=edit_tests(lambda cell: cell.metadata.update(tags=["skip-execution", "raises-exception"])),
    ),
    forge(
        "tests are markdown",
        "the test cells are turned into text",
        "",
        defence=RESTORED,
        without=None,
        edit=edit_tests(lambda cell: cell.update(cell_type="markdown")),
    ),
    forge("tests deleted", "there are no test cells", "", defence=RESTORED, without=None, edit=drop_tests),
    forge(
        "tests rewritten",
        "the test cells assert nothing",
        "",
        defence=RESTORED,
        without=None,
        edit=edit_tests(lambda cell: cell.update(source="assert True")),
    ),
    forge(
        "tests doubled",
        "a second cell with each test's id asserts nothing",
        "",
        defence=RESTORED,
        without=None,
        edit=double_tests_with_easy_ones,
    ),
    forge(
        "points raised",
        "the tests are worth 1000",
        "",
        defence=RESTORED,
        without=None,
        edit=edit_tests(raise_points),
    ),
    forge(
        "tests unlocked",
        "the test cells say that they are the student's own, and not graded",
        "",
        defence=RESTORED,
        without=None,
        edit=edit_tests(lambda c: c.metadata.nbgrader.update(locked=False, grade=False, solution=True)),
    ),
    forge("ids swapped", "the answer has a test's id", "", defence=RESTORED, without=None, edit=swap_ids),
    forge("order reversed", "the tests come first", "", defence=RESTORED, without=None, edit=reverse),
    forge(
        "schema of the future",
        "`schema_version: 99`, which ends nbgrader's batch",
        "",
        defence=RESTORED,
        without=None,
        edit=edit_tests(lambda cell: cell.metadata.nbgrader.update(schema_version=99)),
    ),
    forge(
        "marks in saved outputs",
        "the test cells come with a saved result of 2.0",
        "",
        defence=RESTORED,
        without=None,
        edit=edit_tests(execute_result),
    ),
    forge(
        "another kernel",
        "the notebook asks for a kernel without a sandbox",
        "",
        defence=RESTORED,
        without=None,
        edit=set_kernelspec,
    ),
    forge(
        "marks in metadata",
        "the notebook says under the grader's own key that it has been graded",
        "",
        defence=RESTORED,
        without=None,
        edit=lambda nb: nb.metadata.update(autograder={"engine": "autograder", "score": 10}),
    ),
    # Results that comparisons stumble over
    *(
        forge(
            f"results are {name}",
            f"every result is {name}",
            f"import numpy as np\nclass Counter:\n    total = {value}\n    def add(self, n): return {value}\n"
            f"affine = labels = describe = lambda *a: {value}",
            without=None,
        )
        for name, value in {
            "nan": "float('nan')",
            "infinite": "float('inf')",
            "empty arrays": "np.zeros((0,))",
            "empty arrays with huge axes": "np.zeros((2**30, 0))",
            "ragged": "[[1, [2]], 3]",
            "none": "None",
            "truth": "True",
            "huge numbers": "10**2400",
            "object arrays": "np.array([object()] * 3)",
            "text of digits": "'1.0'",
            "long arrays": "np.zeros(4_000_000)",
            "dates": "np.array(['2020-01-01'], dtype='M8[D]')",
            "complex": "1j",
            "sets": "{1, 2, 3}",
            "bytes": "b'abc'",
            "cyclic": "(lambda l: (l.append(l), l)[1])([])",
            "nested deeply": "eval('[' * 60 + ']' * 60)",
            "lone surrogates": "'\\ud800' * 10",
        }.items()
    ),
)
