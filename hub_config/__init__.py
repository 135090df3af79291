"""JupyterHub for a course, three ways: this machine (local.py), Slurm (slurm.py), kubernetes/.

Imports nothing of `autograder`: a hub starts its programs and knows their addresses, and no more.
"""
