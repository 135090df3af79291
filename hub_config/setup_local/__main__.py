"""`python -m hub_config.setup_local`: set up what is missing, start the hub, say where it is."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from hub_config.setup_local import root_hub, running
from hub_config.setup_local.course_copy import CopyFailed
from hub_config.setup_local.demo_hub import set_up_demo
from hub_config.setup_local.environments import SetupFailed
from hub_config.setup_local.places import CHECKOUT, DEMOS_PREFIX, ROOTS_PREFIX, Places, Settings
from hub_config.setup_local.users import NameTaken
from hub_config.shared.people import ClassFileError, read_people

DEFAULT_CLASS = CHECKOUT / "hub_config" / "class.toml"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make hub", description=(__doc__ or "").strip())
    parser.add_argument("--class", dest="class_file", type=Path, default=DEFAULT_CLASS, help="who is in it")
    parser.add_argument("--prefix", type=Path, help=f"default: {ROOTS_PREFIX}, or .hub/ without root")
    parser.add_argument("--address", default="127.0.0.1", help="where to listen (default: this machine only)")
    parser.add_argument("--port", type=int, default=8000, help="the first of six in a row (default: 8000)")
    parser.add_argument("--idle", type=int, default=3600, metavar="SECONDS", help="stop idle servers after")
    parser.add_argument("--on", choices=("local", "slurm"), default="local", help="where servers run")
    parser.add_argument("--demo", action="store_true", help="only as one person without root")
    parser.add_argument("--set-up-only", action="store_true", help="do not start the hub")
    parser.add_argument("--new-passwords", action="store_true", help="give everybody a new password")
    parser.add_argument(
        "--remove", action="store_true", help="remove users, homes and all else that was made"
    )
    parser.add_argument("--yes", action="store_true", help="with --remove: do not ask")
    parser.add_argument("--keep-environments", action="store_true", help="with --remove: not the packages")
    return parser.parse_args()


def say(text: str) -> None:
    print(f"make hub: {text}", file=sys.stderr, flush=True)


def main() -> int:
    given = arguments()
    if given.demo and os.geteuid() == 0:
        say("the demo would run every notebook as root: start it as an ordinary user")
        return 2
    demo = os.geteuid() != 0
    prefix = (given.prefix or (DEMOS_PREFIX if demo else ROOTS_PREFIX)).absolute()
    places = Places(prefix, demo)
    try:
        if given.remove:
            if (prefix / "settings.json").is_file():
                running.check_ports_free(Settings.read(prefix))
            return root_hub.remove(places, say, asked=given.yes, keep_environments=given.keep_environments)
        people = read_people(given.class_file)
        settings = Settings(
            class_file=str(given.class_file.absolute()),
            demo=demo,
            address=given.address,
            port=given.port,
            idle_s=given.idle,
        )
        running.check_ports_free(settings)
        if demo:
            set_up_demo(places, people, settings, say)
        else:
            root_hub.set_up(places, people, settings, say, new_passwords=given.new_passwords)
    except (ClassFileError, CopyFailed, NameTaken, SetupFailed) as error:
        say(str(error))
        return 2
    except subprocess.CalledProcessError as error:
        say(f"{' '.join(error.cmd)} failed: {error.stderr or error}")
        return 2
    if given.set_up_only:
        return 0
    return running.run(places, settings, say, config=f"{given.on}.py")


if __name__ == "__main__":
    sys.exit(main())
