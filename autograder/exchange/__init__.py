"""nbgrader's exchange over the submission service: `nbgrader fetch_assignment`, `submit`, … work unchanged.

In nbgrader_config.py:
    from autograder.exchange import configure
    configure(c)
"""
