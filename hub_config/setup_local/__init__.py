"""Sets up JupyterHub on this machine and starts it: `python -m hub_config.setup_local`, or `make hub`.

As root: real unix users with homes of mode 0700, an environment for students without anything hidden, the
course with its checks in the grader's home, the hub's own state below one prefix. Without root: a demo for
one person, which isolates nobody. Each step looks at what is there and does what is missing, so it can be run
again; `--remove` takes all of it away.
"""
