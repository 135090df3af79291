"""JupyterHub on one machine: `make hub` sets up what this needs and runs `jupyterhub -f hub_config/local.py`.

As root: people are unix users who log in with PAM, and each server runs as its person. Without root
(settings.demo): one password, and every process is yours.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from hub_config.setup_local.places import PREFIX_VARIABLE, Places, Ports, Settings
from hub_config.shared import extensions, roles, services
from hub_config.shared.people import read_people

c = get_config()
prefix = Path(os.environ[PREFIX_VARIABLE])
settings = Settings.read(prefix)
places = Places(prefix, settings.demo)
ports = Ports(settings.port)
people = read_people(settings.class_file)
course_folder = str(places.course(people))
grader = None if settings.demo else people.grader
graders_python = str(places.graders_environment / "bin" / "python")
# Straight to the service, not through the proxy: it is on this machine.
service_url = f"http://127.0.0.1:{ports.submission_service}/services/{roles.SUBMISSION_SERVICE}/"

# The hub itself
c.JupyterHub.bind_url = f"http://{settings.address}:{ports.proxy}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{ports.hub}"
c.JupyterHub.db_url = f"sqlite:///{places.state}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = str(places.state / "cookie_secret")
c.JupyterHub.cleanup_servers = True
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports.proxy_api}"
c.ConfigurableHTTPProxy.command = str(places.proxy_program)
c.ConfigurableHTTPProxy.pid_file = str(places.state / "proxy.pid")

# Who may come in: the class file's names and nobody else, whoever the hub has known before
if settings.demo:
    c.JupyterHub.authenticator_class = "shared-password"
    c.SharedPasswordAuthenticator.user_password = settings.demo_password
else:
    c.JupyterHub.authenticator_class = "pam"
    c.PAMAuthenticator.open_sessions = False
c.Authenticator.allowed_users = set(people.who_log_in)
c.Authenticator.allow_existing_users = False
c.JupyterHub.load_groups = roles.groups(people)
c.JupyterHub.load_roles = roles.roles(people.course)

# Each person's server
c.Spawner.cmd = [str(places.students_environment / "bin" / "jupyterhub-singleuser")]
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = 60
c.Spawner.environment = {
    "AUTOGRADER_SERVICE_URL": service_url,
    "PATH": f"{places.students_environment}/bin:/usr/local/bin:/usr/bin:/bin",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
# What root's shell has in its environment is nobody else's business.
c.Spawner.env_keep = ["LANG", "LC_ALL", "TZ"]
c.Spawner.pre_spawn_hook = extensions.pre_spawn_hook(places.role_folders, people.course)
if settings.demo:
    c.JupyterHub.spawner_class = "simple"
    c.SimpleLocalProcessSpawner.home_dir_template = f"{prefix}/homes/{{username}}"

# The services that come with the course
submissions = {
    "AUTOGRADER_SERVICE_DATABASE": f"sqlite:///{places.submissions}/service.db",
    "AUTOGRADER_SERVICE_STORE": f"file://{places.submissions}/blobs",
    "PATH": f"{places.graders_environment}/bin:/usr/local/bin:/usr/bin:/bin",
}
graders = {
    "AUTOGRADER_SERVICE_URL": service_url,
    "PATH": submissions["PATH"],
    **extensions.spawn_environment(places.role_folders, "grader"),
}
c.JupyterHub.services = [
    services.submission_service(
        graders_python, course_folder, port=ports.submission_service, environment=submissions, user=grader
    ),
    services.formgrader(
        graders_python,
        people.course,
        course_folder,
        port=ports.formgrader,
        environment=graders,
        user=grader,
    ),
    services.status_page(
        graders_python,
        port=ports.status,
        watched={
            "hub": f"http://127.0.0.1:{ports.hub}/hub/health",
            "submission service": f"{service_url}health",
        },
        folder=course_folder,
        user=grader,
    ),
    # Last: it imports much, and the hub waits for each of those above.
    services.grading_worker(
        [graders_python, "-m", "autograder.service.worker", "--course", course_folder],
        course_folder,
        environment=submissions,
        user=grader,
    ),
    services.metrics_reader(places.metrics_token.read_text()),
    services.idle_culler(sys.executable, idle_s=settings.idle_s),
]
if settings.demo:
    # The hub sets a home for services of other users only, and not every container knows yours by its uid.
    for each in c.JupyterHub.services:
        if "command" in each:
            each["environment"]["HOME"] = str(Path.home())
