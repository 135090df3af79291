#!/bin/sh
# Makes the environment of students' servers:  install.sh FOLDER [jupyterhub==VERSION]
# The local hub, the Slurm hub and the student image are made by this one program. Versions are those of the
# project's lock file; jupyterhub's is the hub's, where that is another.
# PYTHON: the interpreter (default: python3 on the PATH). UV: the uv to use.
set -eu
environment=$1
hub=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
project=$(cd "$here/../.." && pwd)
uv=${UV:-uv}
python=${PYTHON:-$(command -v python3)}

constraints=$(mktemp)
trap 'rm -f "$constraints"' EXIT
"$uv" export --quiet --project "$project" --frozen --all-extras --no-emit-project --no-hashes --no-header \
    --no-annotate --output-file "$constraints" >/dev/null
if [ -n "$hub" ]; then sed -i '/^jupyterhub==/d' "$constraints"; fi
"$uv" venv --quiet --clear --python "$python" "$environment"
"$uv" pip install --quiet --compile-bytecode --python "$environment" \
    -r "$here/requirements.in" -c "$constraints" ${hub:+"$hub"}
"$uv" pip install --quiet --compile-bytecode --python "$environment" --no-deps --reinstall "$here"
