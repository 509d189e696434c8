# The exporter and the chat relay in one image. It needs no shell, no home and no writable file system.
ARG PYTHON=3.12.13-slim-bookworm

FROM python:${PYTHON} AS build
ARG SOURCE_DATE_EPOCH=1767225600
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
WORKDIR /source
RUN python -m venv --without-pip /llmtrain
# What it needs with all its extras, in fixed versions: this layer is kept until they change.
COPY requirements.lock .
RUN pip --python /llmtrain/bin/python install --no-compile --require-hashes --only-binary :all: -r requirements.lock
COPY LICENSE README.md pyproject.toml ./
COPY exporter exporter
# Byte code that never asks for its source's date: the same bytes each time, and a quick start.
RUN pip --python /llmtrain/bin/python install --no-compile --no-deps --no-build-isolation . && \
    pip --python /llmtrain/bin/python uninstall --yes --quiet setuptools && \
    find /llmtrain -depth -type d -name tests -exec rm -r {} + && \
    python -m compileall -q -f --invalidation-mode unchecked-hash /llmtrain && \
    /llmtrain/bin/llmtrain-exporter --version && \
    mkdir -p /state/llmtrain /state/llmtrain-exporter && chmod 1777 /state/llmtrain-exporter && \
    touch --date="@${SOURCE_DATE_EPOCH}" /state/* && \
    find /llmtrain -newermt "@${SOURCE_DATE_EPOCH}" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH}" {} +

FROM python:${PYTHON}
LABEL org.opencontainers.image.title="llmtrain-exporter" \
      org.opencontainers.image.description="Prometheus exporter for the logs of LLM fine-tuning runs, and its chat relay" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /llmtrain /llmtrain
# The relay's memory, and what the exporter has sent, as whichever user: a new volume takes its folder's owner and mode.
COPY --from=build --chown=65534:65534 /state/ /var/lib/
ENV PATH=/llmtrain/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MPLCONFIGDIR=/tmp/matplotlib
USER 65534:65534
EXPOSE 9848 9849
# No TLS here: where the exporter has a web configuration, give the container a check of its own.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --start-interval=1s \
    CMD ["python", "-ISc", "import socket\ns = socket.create_connection(('127.0.0.1', 9848), 4)\ns.sendall(b'GET /-/healthy HTTP/1.0\\r\\n\\r\\n')\nraise SystemExit(b' 200 ' not in s.recv(64))"]
ENTRYPOINT ["llmtrain-exporter"]
CMD ["serve", "--listen", "0.0.0.0:9848", "/logs"]
