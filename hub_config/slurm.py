"""JupyterHub whose servers are Slurm jobs: `make hub HUB="--on slurm"`.

All that local.py sets holds here too: people are unix users, whom the cluster must know on every node, with
homes, the environments' prefix and the submissions' folder on a shared file system. What differs is where
servers and grading run.
"""

import os
import shutil
import sys
from pathlib import Path

import batchspawner  # noqa: F401  # adds the handler by which a job tells its port to the hub

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from hub_config.setup_local.places import PREFIX_VARIABLE, Places, Ports, Settings
from hub_config.shared import extensions, profiles, roles, slurm, time_limit
from hub_config.shared.people import read_people

load_subconfig(str(Path(__file__).resolve().with_name("local.py")))
c = get_config()

prefix = Path(os.environ[PREFIX_VARIABLE])
settings = Settings.read(prefix)
places = Places(prefix, demo=False)
ports = Ports(settings.port)
people = read_people(settings.class_file)
slurm_conf = {"SLURM_CONF": os.environ["SLURM_CONF"]} if "SLURM_CONF" in os.environ else {}

# Jobs on other nodes must reach the hub, the proxy and, through it, the submission service.
c.JupyterHub.hub_bind_url = f"http://{settings.address}:{ports.hub}"
service_url = f"http://{slurm.reachable(settings.address)}:{ports.proxy}/services/{roles.SUBMISSION_SERVICE}/"

c.JupyterHub.spawner_class = "batchspawner.SlurmSpawner"
c.Spawner.environment = {**c.Spawner.environment, "AUTOGRADER_SERVICE_URL": service_url, **slurm_conf}
c.Spawner.options_form = profiles.options_form(profiles.PROFILES)
c.Spawner.options_from_form = profiles.options_from_form
c.Spawner.pre_spawn_hook = slurm.pre_spawn_hook(
    profiles.PROFILES, then=extensions.pre_spawn_hook(places.role_folders, people.course)
)
# A job may wait for a GPU that others use; the page shows that it waits.
c.Spawner.start_timeout = 900
c.SlurmSpawner.batchspawner_singleuser_cmd = str(
    places.students_environment / "bin" / "batchspawner-singleuser"
)
c.SlurmSpawner.exec_prefix = f"{shutil.which('sudo') or 'sudo'} -E -u {{username}}"
c.SlurmSpawner.req_keepvars_extra = ",".join(slurm_conf)
c.SlurmSpawner.req_srun = ""
c.SlurmSpawner.req_prologue = time_limit.SLURM_PROLOGUE
c.SlurmSpawner.req_partition = os.environ.get("AUTOGRADER_SLURM_PARTITION", "")
# The server's log goes into a hidden file of the home, not among the student's work.
c.SlurmSpawner.batch_script = slurm.BATCH_SCRIPT

# Grading: jobs of the grader on the same cluster, as many as there is work, none while there is none
straight = f"http://127.0.0.1:{ports.submission_service}/services/{roles.SUBMISSION_SERVICE}/"
c.JupyterHub.services = slurm.grading_as_jobs(
    c.JupyterHub.services, metrics_url=f"{straight}metrics", environment=slurm_conf
)
