"""Which names a cell's code needs and which it defines, without running it.

A solution is written in a module with imports of its own. In the notebook it has to do with what the
cells before it define, so a missing import would only show when a student's correct answer fails.
"""

import ast
import builtins
import symtable

from IPython.core.inputtransformer2 import TransformerManager

# what a kernel's namespace holds besides the builtins
KERNEL_NAMES = frozenset(dir(builtins)) | {"get_ipython", "display", "In", "Out", "_", "__", "__name__"}


def check_syntax(source: str) -> None:
    """Compile a cell as IPython would: magics and top-level await are allowed. Raises: SyntaxError."""
    compile(_python(source), "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def defined_names(source: str) -> frozenset[str]:
    """The names that running the cell binds at top level. Raises: SyntaxError."""
    top = symtable.symtable(_python(source), "<cell>", "exec")
    bound = {
        symbol.get_name()
        for symbol in top.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    return frozenset(bound.union(*(_declared_global(table) for table in _tables(top))))


def imports_all(source: str) -> bool:
    """Whether the cell has a `from x import *`, after which any name may be defined."""
    nodes = ast.walk(ast.parse(_python(source)))
    return any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in nodes)


def needed_names(source: str) -> frozenset[str]:
    """The global names that the code refers to and that are not Python's or the kernel's own.

    Names that the same code binds at top level are not among them. Raises: SyntaxError.
    """
    top = symtable.symtable(_python(source), "<cell>", "exec")
    used = {
        symbol.get_name()
        for table in _tables(top)
        for symbol in table.get_symbols()
        if symbol.is_referenced() and symbol.is_global()
    }
    return frozenset(used - defined_names(source) - KERNEL_NAMES)


def line_of_name(source: str, name: str) -> int:
    """The first line, from 1, on which the code reads the name; 1 where a magic hides it."""
    lines = [
        n.lineno for n in ast.walk(ast.parse(_python(source))) if isinstance(n, ast.Name) and n.id == name
    ]
    return min(lines, default=1)


def _python(source):
    return TransformerManager().transform_cell(source)


def _tables(table):
    yield table
    for child in table.get_children():
        yield from _tables(child)


def _declared_global(table):
    if table.get_type() == "module":
        return
    for symbol in table.get_symbols():
        if symbol.is_declared_global() and symbol.is_assigned():
            yield symbol.get_name()
