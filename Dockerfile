# Meltano with the taps and target-postgres, for a user without rights. compose.yaml runs it every night.
ARG PYTHON=3.11-slim-bookworm

FROM python:${PYTHON} AS build
# Fewer make a smaller image: --build-arg PLUGINS="tap-productive target-postgres"
ARG PLUGINS="tap-productive tap-invoicetronic tap-invobi tap-covage tap-2invoice target-postgres"
ENV UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /app
RUN python -m pip install --no-cache-dir uv==0.13.8
COPY . .
# The plugins have environments of their own, with mostly the same files: hardlink keeps one of each. As it also changes their
# times, they are compiled for good (unchecked), and without their folder, which makes equal files of the compiled ones too.
RUN --mount=type=cache,target=/root/.cache/uv \
    uv sync --frozen --no-dev --no-editable --package invoicing-orchestrate \
    && .venv/bin/meltano install ${PLUGINS} \
    && rm -rf .meltano/logs .meltano/run \
    && for packages in .venv/lib/*/site-packages .meltano/*/*/venv/lib/*/site-packages core loaders; do \
        python -m compileall -q -f -j 0 --invalidation-mode unchecked-hash -s "$packages" "$packages" || exit 1; \
    done \
    && hardlink --ignore-time .venv .meltano

FROM python:${PYTHON}
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MELTANO_DATABASE_URI=sqlite:////data/meltano.db \
    ORCHESTRATE_RUNS_FILE=/data/runs.jsonl
WORKDIR /app
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /data invoicing \
    && install --directory --owner=invoicing --group=invoicing /data
COPY --from=build /app /app
# What Meltano writes during a run; all else belongs to root.
RUN install --directory --owner=invoicing --group=invoicing .meltano/run .meltano/logs
USER 10001:10001
VOLUME ["/data"]
HEALTHCHECK --interval=5m --timeout=30s --start-period=1m CMD ["orchestrate", "health"]
ENTRYPOINT ["orchestrate"]
CMD ["--help"]
