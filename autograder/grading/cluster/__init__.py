"""Grading on many machines that share no folder: a Dask scheduler, its workers, and a client in between.

    client (one writer)                     scheduler            worker, one a machine or a GPU
    ClusterExecutor ── GraderPlugin ─────────▶ keeps it ─────────▶ the same environment? a launcher, graders;
         │               (material)                               then a slot of the resource with the
         plugin's name └── submission, by that resource ───▶ chooses ──────────▶ grade in a warm fork ──▶
         report ◀── verified: asked for, by the same checks and environment ◀────────────────────────┘

* `executor.py`  the client: tasks out, results verified, repeated elsewhere where need be
* `plugin.py`    what a worker runs when a client comes or when it joins late
* `graders.py`   the worker's launcher and grader processes
* `verify.py`    whether a result is an answer to what was asked
* `gpus.py`      the device nodes of the GPU that a worker was given
"""
