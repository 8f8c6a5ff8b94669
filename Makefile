# Needs Python 3.11 or later and PyPI; everything goes into this folder.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NEXT := .venv-next
FUZZ := .venv-fuzz
AIRFLOW := .venv-airflow
UV_VERSION := 0.13.8
# One more than two processors: some tests wait.
PARALLEL := --numprocesses 3 --dist loadfile --no-loadscope-reorder

export UV_PYTHON_DOWNLOADS = never
export UV_PROJECT_ENVIRONMENT = $(CURDIR)/$(VENV)
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME

.PHONY: bench bench-accounts demo docs page pictures test test-page test-slow test-airflow soak steady test-next-sdk fuzz mutants install connect check-database check-project shell \
	lint format definitions new-stream hub dist release clean

demo: $(VENV)/.ready ## run every tap through Meltano into PostgreSQL, without any account
	@$(BIN)/python -m scripts.demo

test: lint ## linters and all tests but the slow ones, in parallel
	$(BIN)/pytest $(PARALLEL) -m "not slow and not browser and not airflow"

test-slow: $(VENV)/.ready ## the tests that run Meltano, the demo, or loads that are killed, which take minutes
	$(BIN)/pytest $(PARALLEL) -m slow

test-page: $(VENV)/.ready ## the page in a real Chromium (Debian: apt-get install chromium; elsewhere: .venv/bin/playwright install chromium)
	$(BIN)/pytest -m browser analyze tests/test_page_of_the_systems.py

test-airflow: $(AIRFLOW)/.ready ## the DAGs for Airflow, in an environment of their own, and a run of one; minutes
	cd orchestrate/airflow && $(CURDIR)/$(AIRFLOW)/bin/pytest
	$(BIN)/pytest -m airflow tests/test_airflow_run.py

soak: $(VENV)/.ready ## kills, faults and moving data over all taps, for 20 minutes (SOAK="--minutes 3 --seed 1"); prints seeds
	@$(BIN)/python -m tests.proof.soak $(SOAK)

steady: $(VENV)/.ready ## the tests that depend on time, 20 times beside four busy processes (STEADY="--rounds 3"); names what flickers
	@$(BIN)/python -m tests.steady $(STEADY)

test-next-sdk: $(VENV)/.ready ## core's and the taps' tests with the newest singer-sdk, pre-releases included, in $(NEXT)
	UV_PROJECT_ENVIRONMENT=$(CURDIR)/$(NEXT) $(BIN)/uv sync --all-packages --locked --quiet
	$(BIN)/uv pip install --python $(NEXT) --upgrade-package singer-sdk --prerelease-package singer-sdk=allow singer-sdk
	$(NEXT)/bin/pytest $(PARALLEL) -m "not slow and not browser" core/tests taps

fuzz: $(VENV)/.ready ## fuzz what reads answers, files and states, 20 s each (FUZZ_ARGS="--seconds 300 pages"), in $(FUZZ)
	UV_PROJECT_ENVIRONMENT=$(CURDIR)/$(FUZZ) $(BIN)/uv sync --all-packages --locked --quiet --group fuzz
	$(FUZZ)/bin/python -m tests.fuzz $(FUZZ_ARGS)

mutants: $(VENV)/.ready ## break a copy of our code in many ways: for each, a test must fail (MUTANTS="name …" for some)
	$(BIN)/python -m tests.mutants $(MUTANTS)

install: $(VENV)/.ready ## Meltano with its plugins, for your own account and database
	$(BIN)/meltano install
	@$(BIN)/python -m scripts.check_database || true

check-database: $(VENV)/.ready ## whether the loader is told of a database; connects to nothing
	@$(BIN)/python -m scripts.check_database

connect: $(VENV)/.ready ## your own account and database: asks, checks both, writes .env (TAP=, OPTIONS=--non-interactive)
	@$(BIN)/python -m scripts.connect $(TAP) $(OPTIONS)

page: $(VENV)/.ready ## the page over the model, output/invoices.html, from the database of target-postgres (OPTIONS=)
	@$(BIN)/invoicing-page $(OPTIONS)

docs: $(VENV)/.ready ## the site, in output/site, and dbt's page of the model, in output/site/dbt.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet
	@$(BIN)/python -m scripts.dbt_docs

pictures: $(VENV)/.ready ## pictures of the terminal and of the page, in docs/pictures; the latter need Chromium
	@$(BIN)/python -m scripts.pictures

bench: $(VENV)/.ready ## compare with other taps (BENCH="--quick --only 0ms" for a part); bench/README.md
	@$(BIN)/python -m bench $(BENCH)

bench-accounts: $(VENV)/.ready ## 500 accounts on the queue, with 4 loads at once (ACCOUNTS="--accounts 50"); docs/scale.md
	@$(BIN)/python -m bench.accounts $(ACCOUNTS)

shell: $(VENV)/.ready ## a shell in which `meltano run tap-productive target-postgres` works without any account
	@$(BIN)/python -m scripts.shell

check-project: $(VENV)/.ready ## whether every select pattern in meltano.yml matches a stream and a column
	@$(BIN)/python -m scripts.check_project

lint: $(VENV)/.ready check-project ## ruff, mypy, who imports whom, and whether generated files are current
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python -m scripts.check_schemas
	$(BIN)/python -m scripts.definitions --check
	$(BIN)/zizmor --offline --quiet --no-progress --pedantic .github
	$(BIN)/hadolint Dockerfile
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

format: $(VENV)/.ready ## format the code and the schemas
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m scripts.check_schemas --fix

definitions: $(VENV)/.ready ## write Meltano locks, jobs, Hub definitions and README tables from the taps
	$(BIN)/python -m scripts.definitions

hub: $(VENV)/.ready ## write what a pull request to Meltano Hub needs (hub/README.md)
	@$(BIN)/python -m scripts.definitions --only hub

dist: $(VENV)/.ready ## build each distribution into dist/, as PyPI takes them (docs/releasing.md)
	rm -rf dist
	$(BIN)/uv build --all-packages --quiet
	$(BIN)/twine check --strict dist/*

release: $(VENV)/.ready ## a new version of all distributions: VERSION= (docs/releasing.md)
	@$(BIN)/python -m scripts.release "$(VERSION)"

new-stream: $(VENV)/.ready ## class, schema and test of a stream: TAP= NAME= EXAMPLE= (docs/adding-a-stream.md)
	@$(BIN)/python -m scripts.new_stream --tap="$(TAP)" --name="$(NAME)" --example="$(EXAMPLE)" --like="$(LIKE)" \
		--key="$(KEY)" --endpoint="$(ENDPOINT)" --source="$(SOURCE)"

clean: ## remove what the targets above put into this folder
	rm -rf $(VENV) $(NEXT) $(FUZZ) $(AIRFLOW) .venv-dbt .venv-dbt.lock transform/target transform/logs dist .bench .fuzz .proof .meltano .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(AIRFLOW)/.ready: $(VENV)/.ready orchestrate/airflow/requirements.txt
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(AIRFLOW)
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(AIRFLOW) --requirement orchestrate/airflow/requirements.txt
	@touch $@

$(VENV)/.ready: $(BIN)/uv uv.lock pyproject.toml $(wildcard analyze/pyproject.toml core/pyproject.toml loaders/*/pyproject.toml orchestrate/pyproject.toml taps/*/pyproject.toml)
	$(BIN)/uv sync --all-packages --locked --compile-bytecode --quiet
	@touch $@
