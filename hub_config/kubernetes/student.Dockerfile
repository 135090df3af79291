# A student's server: packages, nbgrader's exchange plug-in, and the extensions by role. No reference, no checks.
#   docker build -f hub_config/kubernetes/student.Dockerfile -t registry.example/autograder-student:0.1.0 .
# The build sees what student.Dockerfile.dockerignore lets through and no more.
FROM python:3.11-slim-bookworm

# The hub that this server talks to: the chart's appVersion (Chart.yaml). Another version here, and the two do not
# understand each other.
ARG HUB_VERSION=5.5.0
ARG COURSE=deep_learning

RUN pip install --no-cache-dir "uv>=0.9"
WORKDIR /build
COPY pyproject.toml uv.lock ./
COPY hub_config/student ./hub_config/student
COPY hub_config/shared/extensions.py hub_config/shared/time_limit.py ./hub_config/shared/
COPY autograder/__init__.py autograder/errors.py ./autograder/
COPY autograder/exchange ./autograder/exchange
RUN sh hub_config/student/install.sh /opt/autograder/environment "jupyterhub==${HUB_VERSION}" \
    && python -c "from pathlib import Path; from hub_config.shared.extensions import write_role_folders; \
write_role_folders(Path('/opt/autograder/etc'), '${COURSE}')" \
    && rm -rf /build /root/.cache

RUN useradd --create-home --uid 1000 --gid users --shell /bin/bash jovyan
ENV PATH=/opt/autograder/environment/bin:$PATH
USER 1000
WORKDIR /home/jovyan
EXPOSE 8888
CMD ["jupyterhub-singleuser", "--ip=0.0.0.0"]
