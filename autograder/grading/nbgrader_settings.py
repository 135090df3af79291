"""A course's nbgrader_config.py, read by nbgrader's own machinery.

nbgrader also looks into the folder that it is started from. Here a course has one place for its
settings, its root, so that a grade does not depend on where the command was typed.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.apps.baseapp import NbGrader
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from traitlets import HasTraits, TraitError, default
from traitlets.config import Application, Config
from traitlets.config.loader import DeferredConfig, LazyConfigValue

from autograder.errors import ConfigError

__all__ = ["NbgraderSettings", "read_nbgrader_settings", "setting"]

UNLIMITED_CELL_S = 3600.0


@dataclass(frozen=True)
class NbgraderSettings:
    """nbgrader's configuration and the folders that follow from it.

    Args:
        config: everything that was set; preprocessors and plug-ins take their settings from it.
        coursedir: nbgrader's names of folders and its database.
        command_line: the part of `config` that was typed on a command line.
    """

    config: Config
    coursedir: CourseDirectory
    command_line: Config = field(default_factory=Config)

    def limits(self) -> dict[str, float]:
        """The limits that nbgrader_config.py sets: `c.Execute.timeout`, in autograder.toml's names."""
        return _limits(self.config)

    def command_line_limits(self) -> dict[str, float]:
        """The same of `--Execute.timeout`, which overrides every file."""
        return _limits(self.command_line)


def read_nbgrader_settings(root: Path) -> NbgraderSettings:
    """What `nbgrader` would take from `root/nbgrader_config.py` and the user's Jupyter folders.

    Raises: ConfigError if a file cannot be run, or sets something impossible.
    """
    reader = _Reader()
    try:
        reader.initialize([], root=str(root))
        course_directory = dict(reader.config.get("CourseDirectory", {}))
        moved = {} if "root" in course_directory else {"root": str(root)}
        coursedir = CourseDirectory(config=reader.config, **moved)
    except Exception as error:  # whatever the instructor's own code raises
        what = str(error) if isinstance(error, ConfigError) else f"{type(error).__name__}: {error}"
        raise ConfigError(f"{root}: nbgrader's configuration cannot be read: {what}") from error
    return NbgraderSettings(reader.config, coursedir)


class _Reader(NbGrader):
    """nbgrader's application, as far as its configuration; it runs nothing."""

    name = "nbgrader"
    load_cwd_config = False

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(raise_config_file_errors=True, **kwargs)

    @default("log")
    def _log_default(self) -> logging.Logger:
        """Silence: what it would print, our error says."""
        logger = logging.getLogger(__name__)
        logger.propagate = False
        logger.addHandler(logging.NullHandler())
        return logger

    def initialize(self, argv: Any = None, root: str = "") -> None:
        # A plug-in's module may lie beside nbgrader_config.py; it must not hide an installed one.
        if root not in sys.path:
            sys.path.append(root)
        super().initialize(argv, root=root)

    def exit(self, exit_status: int | str = 0) -> None:
        """traitlets ends the program at a value of the wrong type, from within the handler of its error."""
        raise ConfigError(str(sys.exc_info()[1]))

    def init_syspath(self) -> None:
        pass

    def migrate_config(self) -> None:
        pass

    def load_config_file(self, *args: Any, **kwargs: Any) -> None:
        """Without nbgrader's warning that there is no file: a course needs none."""
        Application.load_config_file(self, self.config_file_name, path=list(self.config_file_paths))


def _limits(config: Config) -> dict[str, float]:
    if "timeout" not in config.get("Execute", {}):
        return {}
    timeout = setting(config, Execute, "timeout")
    if timeout is None or timeout <= 0:  # nbgrader: no limit. Grading must end all the same.
        return {"cell_s": UNLIMITED_CELL_S, "notebook_s": UNLIMITED_CELL_S}
    # nbgrader limits no notebook as a whole, so a course that raised this must get room for it.
    return {"cell_s": float(timeout), "notebook_s": max(300.0, 10.0 * timeout)}


def setting(config: Config, part: type[HasTraits], name: str) -> Any:
    """What `config` sets for one of nbgrader's parts, else its default.

    A command line's values are texts until somebody knows what they should be.

    Raises: ConfigError if the value is not of the setting's kind.
    """
    trait = part.class_traits()[name]
    section = next(
        (config[each.__name__] for each in part.__mro__ if name in config.get(each.__name__, {})), {}
    )
    value = section.get(name, trait.default())
    try:
        if isinstance(value, LazyConfigValue):  # c.Part.name.append(…)
            value = value.get_value(trait.default())
        elif isinstance(value, DeferredConfig):
            value = value.get_value(trait)
        return trait._validate(HasTraits(), value)
    except (TraitError, ValueError) as error:
        raise ConfigError(f"{part.__name__}.{name}: {error}") from error
