"""This folder is an nbgrader course: `nbgrader …` and `autograder …` work on it side by side."""

c = get_config()

c.CourseDirectory.course_id = "deep_learning"

# `autograder build` puts the reference's bodies between the solution marks; this is what students find there
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"

# `nbgrader autograde` and Formgrader's button grade by the same engine as `autograder grade`: nbgrader's own
# steps, with damaged submissions put right first, notebooks run and marked in the sandbox, and questions that
# the grader could not decide listed for a person
c.Autograde.sanitize_preprocessors = [
    "autograder.grading.nbgrader_execute.RestoreCells",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    "autograder.grading.nbgrader_execute.Execute",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "autograder.grading.saving.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
