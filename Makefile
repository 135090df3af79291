# Two commands do it all on a fresh machine: `make demo` and `make test`.
# Needs Python 3.11 or newer on the PATH; no root, no GPU.
PYTHON ?= python3
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := .venv/bin/
export PYTHONWARNINGS =
export TF_CPP_MIN_LOG_LEVEL ?= 3

.PHONY: help setup demo hub test test-slow prove build bench clean
help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.installed ## install everything into .venv

.uv/bin/uv:
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'

.venv/.installed: pyproject.toml uv.lock | $(filter .uv/bin/uv,$(UV))
	$(UV) sync --locked --python $(PYTHON) --compile-bytecode
	@touch $@

demo: setup ## build, release, take in a class, grade it, write reports
	$(RUN)autograder demo

hub: ## JupyterHub here: students, a TA, an instructor (as root; otherwise a demo). HUB=--help lists options
	hub_config/debian_packages.sh
	$(MAKE) setup
	$(RUN)python -m hub_config.setup_local $(HUB)

# The sandbox tests fork and measure themselves: they start from a process that has imported little.
test: setup ## lint, types and the default tests (under 15 minutes)
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)pyright
	$(RUN)pytest -m "not slow and not gpu" tests/sandbox
	$(RUN)pytest -m "not slow and not gpu" tests/attacks
	$(RUN)pytest -m "not slow and not gpu" --ignore=tests/attacks --ignore=tests/sandbox

test-slow: setup ## the tests that take minutes
	$(RUN)pytest -m "slow and not gpu"

prove: setup ## the proof of the checks: every listed mistake is caught, right solutions keep their points
	$(RUN)autograder mutants

build: setup ## source texts -> source and release notebooks
	$(RUN)autograder build

bench: setup ## throughput beside nbgrader, cost per stage, memory
	$(RUN)python -m tests.bench.throughput

clean: ## remove what can be made again (never submissions or gradebooks)
	rm -rf .venv .uv .pytest_cache .ruff_cache .hypothesis
