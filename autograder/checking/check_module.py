"""Loading a check module, once for each version of its text."""

import hashlib
import sys
from pathlib import Path
from types import ModuleType

_loaded: dict[str, ModuleType] = {}


def load_check_module(path: Path) -> ModuleType:
    """The module at `path`, from memory if its text is unchanged. Its exceptions pass through.

    It gets a name of its own in `sys.modules`: modules of two courses may have the same file name.
    """
    path = path.resolve()
    text = path.read_bytes()
    name = f"checks_{path.stem}_{hashlib.sha256(bytes(path) + b'/' + text).hexdigest()[:16]}"
    if name not in _loaded:
        module = ModuleType(name)
        module.__file__ = str(path)
        sys.modules[name] = module  # dataclasses look their module up there
        exec(compile(text, str(path), "exec"), module.__dict__)  # noqa: S102
        _loaded[name] = module
    return _loaded[name]
