"""nbgrader's tables. They are declared without types, so to a type checker they are Any."""

from typing import Any

from nbgrader import api

Assignment: Any = api.Assignment
BaseCell: Any = api.BaseCell
Comment: Any = api.Comment
Grade: Any = api.Grade
Notebook: Any = api.Notebook
Student: Any = api.Student
SubmittedAssignment: Any = api.SubmittedAssignment
SubmittedNotebook: Any = api.SubmittedNotebook
