"""Groups and roles of a course: what each may do on the hub, and nothing beyond it.

No role holds `admin:…`, `inherit` or `users` without a filter. Group names are nbgrader's
(`nbgrader-COURSE`, `formgrade-COURSE`), and `instructors-COURSE` beside them.
"""

from __future__ import annotations

from hub_config.shared.people import People

SUBMISSION_SERVICE = "autograder"
CULLER = "idle-culler"
STATUS = "status"
METRICS = "metrics-reader"


def students_group(course: str) -> str:
    return f"nbgrader-{course}"


def graders_group(course: str) -> str:
    return f"formgrade-{course}"


def instructors_group(course: str) -> str:
    return f"instructors-{course}"


def groups(people: People) -> dict[str, dict[str, list[str]]]:
    """`c.JupyterHub.load_groups`."""
    return {
        students_group(people.course): {"users": list(people.students)},
        graders_group(people.course): {"users": list(people.staff)},
        instructors_group(people.course): {"users": list(people.instructors)},
    }


def roles(course: str) -> list[dict[str, object]]:
    """`c.JupyterHub.load_roles`; the groups must be loaded too, the hub refuses roles of groups it lacks."""
    students, graders = students_group(course), graders_group(course)
    instructors = instructors_group(course)
    submit = f"access:services!service={SUBMISSION_SERVICE}"
    return [
        {
            "name": f"student-{course}",
            "groups": [students],
            "scopes": [submit, "list:services", f"read:services!service={SUBMISSION_SERVICE}"],
        },
        {
            "name": f"grader-{course}",
            "groups": [graders],
            "scopes": [
                submit,
                f"access:services!service={course}",
                f"access:services!service={STATUS}",
                "list:services",
                "read:services",
            ],
        },
        {
            # The admin page, for the servers of this course's students alone.
            "name": f"instructor-{course}",
            "groups": [instructors],
            "scopes": [
                "admin-ui",
                f"list:users!group={students}",
                f"read:users:activity!group={students}",
                f"read:servers!group={students}",
                f"delete:servers!group={students}",
            ],
        },
        {
            # Formgrader's "add student", and who it works for.
            "name": f"formgrader-service-{course}",
            "services": [course],
            "scopes": [f"list:groups!group={students}", f"groups!group={students}", submit],
        },
        {
            "name": "submission-service",
            "services": [SUBMISSION_SERVICE],
            "scopes": [f"read:groups!group={students}"],
        },
        {
            "name": CULLER,
            "services": [CULLER],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        },
        {"name": METRICS, "services": [METRICS], "scopes": ["read:metrics"]},
        {
            # What a user's own server may do. Without list:services nbgrader's course list gets 403.
            "name": "server",
            "scopes": [
                "users:activity!user",
                "access:servers!server",
                "read:users!user",
                "list:services",
                "read:services",
                submit,
            ],
        },
    ]
