# syntax=docker/dockerfile:1
#   docker build -t photobatch .
#   docker run --rm --env-file photobatch.env -v photos:/data photobatch nightly /data/nightly.toml
# The ledger, which is the memory of what was paid, lives in /data: mount a volume that stays.

FROM python:3.13-slim AS build
WORKDIR /build
COPY .ci/requirements.txt .ci/requirements-build.txt .ci/
RUN python -m venv /opt/photobatch \
 && /opt/photobatch/bin/pip install --no-cache-dir --require-hashes -r .ci/requirements.txt \
 && python -m pip install --no-cache-dir --require-hashes -r .ci/requirements-build.txt
COPY pyproject.toml README.md LICENSE ./
COPY pipeline pipeline
COPY jobs jobs
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir wheels . \
 && /opt/photobatch/bin/pip install --no-cache-dir --no-deps wheels/*.whl
# Such as --build-arg EXTRAS=notify,cloud,fast
ARG EXTRAS=""
RUN if [ -n "$EXTRAS" ]; then /opt/photobatch/bin/pip install --no-cache-dir "photobatch[$EXTRAS] @ file://$(ls /build/wheels/*.whl)"; fi

FROM python:3.13-slim
RUN useradd --uid 10001 --create-home --home-dir /data photobatch
COPY --from=build /opt/photobatch /opt/photobatch
ENV PATH=/opt/photobatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    # `docker stop` waits ten seconds before it kills
    PHOTOBATCH_GRACE=8s
USER 10001
WORKDIR /data
VOLUME /data
ENTRYPOINT ["photobatch"]
CMD ["--help"]
