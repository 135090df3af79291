"""Everything that can go wrong on our side. What a student did wrong is data, never one of these.

AutograderError
├── BuildError         an authored text, a solution or its checks do not make an assignment
│   └── BuildStale     `build --check` found built files that are not what a build makes now
├── ConfigError        a configuration file, or a course's layout, that its instructor must mend
├── GradebookError     the gradebook could not be read or written; nothing of the submission went in
├── IsolationUnavailable   this machine does not allow the confinement that was asked for
├── LauncherError      no sandboxed kernel came up, or the process that forks them has gone
├── NotebookError      a submitted file that cannot be read as a notebook
 ├── NotGradedNow       a submission that this run did not come to; its turn is the next run
 ├── ReceiptError       a report.json that cannot be trusted to be what we wrote
 ├── ServiceError       the submission service refused, or could not be reached (what a client sees)
 └── StoreError         the service's database or blob store cannot be used, or a blob is not what it was
"""

__all__ = [
    "AutograderError",
    "BuildError",
    "BuildStale",
    "ConfigError",
    "GradebookError",
    "IsolationUnavailable",
    "LauncherError",
    "NotGradedNow",
    "NotebookError",
    "ReceiptError",
    "ServiceError",
    "StoreError",
]


class AutograderError(Exception):
    """Base of the tree: catch it to catch them all."""


class BuildError(AutograderError):
    """The author can mend it: the message says file:line, what is wrong and what to do.

    Args:
        message: what, and what to do.
        path: the file as messages show it. line: counted from 1.
    """

    def __init__(self, message, path=None, line=None):
        self.path, self.line = path, line
        where = "" if path is None else f"{path}: " if line is None else f"{path}:{line}: "
        super().__init__(where + message)


class BuildStale(BuildError):
    """Built files differ from what a build makes now. `files` are relative to the course root."""

    def __init__(self, files):
        self.files = list(files)
        listed = "".join(f"\n  {file}" for file in self.files)
        super().__init__(f"built files are stale; run `autograder build` and commit what it writes:{listed}")


class ConfigError(AutograderError):
    """The course is not configured as it must be. The message says where, what was expected and received."""


class GradebookError(AutograderError):
    """The message says what the database refused, and what to do. The transaction was rolled back."""


class IsolationUnavailable(AutograderError):
    """Which layer of the sandbox failed, why, and what to do. Nothing was run without it."""


class LauncherError(AutograderError):
    """The launcher of sandboxed kernels, or one kernel of it, did not come up or has ended."""


class NotebookError(AutograderError):
    """A submitted file that cannot be read as a notebook. The message is the reason that a student sees."""


class NotGradedNow(AutograderError):
    """Nothing is wrong with the submission: a budget is used up, or the cluster has gone. No mark changes."""


class ReceiptError(AutograderError):
    """A receipt of another schema, or one that was damaged or edited."""


class ServiceError(AutograderError):
    """What the submission service said, or why it did not answer.

    Args:
        status: of HTTP; None where there was no answer. detail: what it sent, parsed.
    """

    def __init__(self, message, status=None, detail=None):
        self.status, self.detail = status, detail
        super().__init__(message)


class StoreError(AutograderError):
    """A database or store that cannot be used, or holds something else than was put into it."""
