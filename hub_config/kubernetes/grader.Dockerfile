# For the submission service, the worker, Formgrader and the status page: the whole project. Never a student's.
#   docker build -f hub_config/kubernetes/grader.Dockerfile -t registry.example/autograder-grader:0.1.0 .
FROM python:3.11-slim-bookworm

ARG HUB_VERSION=5.5.0
ARG COURSE=deep_learning

RUN pip install --no-cache-dir "uv>=0.9"
WORKDIR /build
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY autograder ./autograder
COPY reference_impl ./reference_impl
COPY hub_config ./hub_config
# Not editable, so that the sandbox finds the packages where it masks them; then the version of the chart's hub.
RUN UV_PROJECT_ENVIRONMENT=/opt/autograder/environment \
        uv sync --locked --no-dev --no-editable --all-extras --compile-bytecode \
    && uv pip install --python /opt/autograder/environment "jupyterhub==${HUB_VERSION}" \
    && cp -r hub_config /opt/autograder/ \
    && python -c "from pathlib import Path; from hub_config.shared.extensions import write_role_folders; \
write_role_folders(Path('/opt/autograder/etc'), '${COURSE}')" \
    && rm -rf /build /root/.cache

ENV PATH=/opt/autograder/environment/bin:$PATH PYTHONPATH=/opt/autograder PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/autograder
