"""This folder is an nbgrader course: `nbgrader …` and `autograder …` work on it side by side."""

c = get_config()

c.CourseDirectory.course_id = "deep_learning"

# `autograder build` puts the reference's bodies between the solution marks; this is what students find there
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
