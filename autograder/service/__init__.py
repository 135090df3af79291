"""The submission service: takes submissions in, gives receipts, grades on arrival, shows reports.

Three programs share a database and a blob store, and nothing else:

    JupyterHub ── starts ──▶ service  (HTTP, knows who speaks from the hub's token; runs no student code)
                                │ database: submissions, receipts, queue, marks    store: blobs by sha256
                             worker   (takes queued jobs, grades in the sandbox, writes the gradebook)
    nbgrader's commands ─────▶ service    through `autograder.exchange` in students' and graders' servers

Starting them
    python -m autograder.service --course DIR [--course DIR …] [--courses DIR]      (or `autograder serve …`)
    python -m autograder.service.worker --course DIR [--course DIR …] [--courses DIR] [--jobs N] [--once]
`--course` names the root of an nbgrader course; `--courses` a folder whose subfolders are courses, looked at
again and again: a course that is put there needs no restart. A course's id is `CourseDirectory.course_id` of
its nbgrader_config.py. The service reads the two configuration files of a course and nothing else of it; the
worker needs all of the course, and to write its gradebook.

The service is a hub-managed service. It reads, as the hub sets them for managed services,
    JUPYTERHUB_SERVICE_URL (where it listens, `http://127.0.0.1:10101`), JUPYTERHUB_SERVICE_PREFIX,
    JUPYTERHUB_SERVICE_NAME, JUPYTERHUB_API_TOKEN, JUPYTERHUB_API_URL, JUPYTERHUB_CLIENT_ID,
    JUPYTERHUB_OAUTH_ACCESS_SCOPES, JUPYTERHUB_BASE_URL, JUPYTERHUB_HOST
and both programs read
    AUTOGRADER_SERVICE_DATABASE  SQLAlchemy URL: sqlite:////srv/autograder/service.db, postgresql+psycopg://…
    AUTOGRADER_SERVICE_STORE     fsspec URL: file:///srv/autograder/blobs, s3://…
    AUTOGRADER_SERVICE_SECRET    signs receipts and cookies; without it a file `service.key` (0600) beside the
                                 SQLite database, and an error with any other database
which override `database` and `store` under `[service]` in the first course's autograder.toml; without any,
`<first course>/.autograder/service/{service.db,blobs/}`. Every other setting of `[service]` and of
`[assignments.NAME.service]` is in `autograder.service.settings`.

Paths, under the prefix: `health` (open; 200, or 503 with what is wrong), `metrics` (Prometheus; open, counts
only), `api/…` (JSON, described by `openapi.json`), `oauth_callback`, and the pages.

Name the service `autograder` (nbgrader wants the service called like the course for Formgrader). Suggested:
    c.JupyterHub.services = [{
        "name": "autograder", "url": "http://127.0.0.1:10101", "user": "grader", "oauth_no_confirm": True,
        "command": [sys.executable, "-m", "autograder.service", "--course", COURSE],
        "environment": {"AUTOGRADER_SERVICE_DATABASE": …, "AUTOGRADER_SERVICE_STORE": …},
    }]
The worker is a program of its own (systemd, a Slurm job, a Deployment, or a service without `url`).

Who may do what comes from the hub's groups, per course C (names can be changed under `[service]`):
    nbgrader-C       students: fetch, submit, their own submissions, receipts, reports, feedback
    formgrade-C      graders and TAs: all submissions and reports of the class, collect; Formgrader's group
    instructors-C    as graders; and release assignments and feedback, regrade
A hub service named under `[service] staff_services` (the Formgrader service) counts as an instructor.

Scopes. The service itself needs none to know who speaks; with `read:groups!group=nbgrader-C` it also lists
who has not handed in. Whoever uses it needs `access:services!service=autograder`: give that to the groups,
for pages, and to the `server` role, for nbgrader's commands in students' and graders' servers.

Single-user servers get, through c.Spawner.environment, AUTOGRADER_SERVICE_URL: the service's address up to
and including its prefix, as a server reaches it (`http://127.0.0.1:8000/services/autograder/`, through the
proxy, or `http://127.0.0.1:10101/services/autograder/` straight). Without it the plug-in derives
`$JUPYTERHUB_PUBLIC_HUB_URL/../services/autograder/` where the hub sets that (c.JupyterHub.public_url), else
says what to set. nbgrader_config.py, for students and graders alike:
    from autograder.exchange import configure
    configure(c)
`autograder/exchange/` imports no other part of ours but errors.py, so an image for students needs these two
and no more.
"""
