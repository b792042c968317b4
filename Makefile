# Everything runs in .venv, which each target creates if it is missing or out of date.
# make V=1 ... shows the commands; make PYTHON=python3.12 ... chooses the interpreter.

PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
# More than the cores: many tests wait for other processes.
JOBS ?= 3
ARGS ?=
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
SERVICES := $(BIN)/python -m leadswitch.embedded
# Checks use the test servers: they never touch the data of `make up` and `make demo`.
NO_SECRET := only-for-checks-that-never-serve-requests-0123456789-abcdefghijklm
TEST_ENV := LEADSWITCH_VAR_DIR=var/test LEADSWITCH_EMBEDDED_FSYNC=false LEADSWITCH_ENV_FILE= \
  SECRET_KEY=$(NO_SECRET) LEADSWITCH_IDENTITY_KEY=$(NO_SECRET) \
  LEADSWITCH_ENCRYPTION_KEY=$(NO_SECRET) ALLOWED_HOSTS=testserver
# Tests start hundreds of processes. A caller's PYTHONDONTWRITEBYTECODE would let each of them compile the product.
KEEP_BYTECODE := PYTHONDONTWRITEBYTECODE=
Q := $(if $(V),,@)
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help
help: ## show this list
	$(Q)awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' Makefile

.PHONY: venv
venv:
	$(Q)command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed; LeadSwitch needs Python 3.11 to 3.14" >&2; exit 2; }
	$(Q)$(PYTHON) ops/make_venv.py

.PHONY: demo
demo: venv ## route and sell 1,200 realistic leads and show what happened
	$(Q)$(MANAGE) demo $(ARGS)

.PHONY: test
test: check ## run `make check`, then the tests
	$(Q)ops/install_chromium.sh
	$(Q)ops/install_prometheus.sh >/dev/null
	$(Q)ops/install_node.sh
	$(Q)trap '$(TEST_ENV) $(SERVICES) stop >/dev/null' EXIT; $(KEEP_BYTECODE) $(BIN)/python -m pytest -n $(JOBS) $(ARGS)

# What another server may do differently: schedule, locks, money, triggers and plans. With the limits of a worker, which
# differ most from the defaults.
OTHER_SERVERS := tests/functional/dispatch tests/functional/reconcile tests/functional/verify tests/functional/intake/test_intake.py \
  tests/functional/rules/test_routing.py tests/functional/rules/test_duplicates.py tests/functional/intake/test_idempotency.py \
  tests/functional/attempts/test_skip_reasons.py tests/concurrency/attempts/test_credits.py tests/concurrency/attempts/test_caps.py \
  tests/concurrency/attempts/test_one_lead.py tests/concurrency/dispatch/test_event_path.py tests/integration/tracing/test_append_only.py \
  tests/integration/models/test_constraints.py tests/integration/money/test_money.py tests/integration/models/test_query_plans.py \
  tests/integration/rules/test_routing_plans.py tests/integration/dispatch/test_dispatch_plans.py tests/integration/leadswitch/test_rate_limits.py
# Below PostgreSQL 17 the search for a person's other leads reads all duplicates of that person (decisions/0007).
NEWER_ONLY := --deselect tests/integration/models/test_query_plans.py::test_person_is_looked_for_by_identity_though_thousands_of_duplicates_are_there

.PHONY: test-debian
test-debian: venv ## run what servers may do differently on Debian's PostgreSQL and the newest Valkey
	$(Q)set -e; set -- /usr/lib/postgresql/*/bin; [ -x $$1/initdb ] || { echo "PostgreSQL is not installed: apt-get install postgresql" >&2; exit 2; }; \
	$(BIN)/python ops/valkey_server.py var/debian; \
	export TEST_VAR_DIR=var/debian TEST_ROLE=worker LEADSWITCH_EMBEDDED_POSTGRES=$$1 LEADSWITCH_EMBEDDED_REDIS=$(CURDIR)/var/debian/valkey-server; \
	trap 'LEADSWITCH_VAR_DIR=var/debian LEADSWITCH_ENV_FILE= $(SERVICES) stop >/dev/null' EXIT; \
	$(KEEP_BYTECODE) $(BIN)/python -m pytest -n $(JOBS) $(OTHER_SERVERS) $(NEWER_ONLY) $(ARGS)

.PHONY: screenshots
screenshots: venv ## take a screenshot of every page of operators and of the portal in light, dark and phone width, in var/screenshots/
	$(Q)ops/install_chromium.sh
	$(Q)trap '$(TEST_ENV) $(SERVICES) stop >/dev/null' EXIT; $(BIN)/python -m pytest --quiet tests/browser/screenshots.py $(ARGS)

.PHONY: check
check: venv ## run linters, types, import contracts, migration and deployment checks
	$(Q)$(BIN)/ruff check --quiet .
	$(Q)$(BIN)/ruff format --check --quiet .
	$(Q)trap '$(TEST_ENV) $(SERVICES) stop >/dev/null' EXIT; set -e; export $(TEST_ENV); \
	$(BIN)/mypy --no-error-summary; \
	mkdir -p var/test; $(BIN)/lint-imports --no-cache >$(if $(V),/dev/stdout,var/test/lint-imports.log) || { cat var/test/lint-imports.log; exit 1; }; \
	$(MANAGE) makemigrations --check --dry-run $(if $(V),,-v0); \
	$(BIN)/python ops/lint_migrations.py; \
	LEADSWITCH_HTTPS=true $(MANAGE) check --deploy --fail-level WARNING $(if $(V),,>/dev/null)

.PHONY: up
up: venv ## serve web, worker, dispatcher, deliverer, dialer, streams, beat and exporter on port 8000 (PORT=) until Ctrl-C; ARGS=--with-carrier adds a fake carrier
	$(Q)exec $(BIN)/python -m leadswitch.up --host $(HOST) --port $(PORT) $(ARGS)

.PHONY: bench
bench: venv ## measure the engine and the intake against hand-written baselines
	$(Q)$(BIN)/python -m tests.bench $(ARGS)

.PHONY: chaos
chaos: venv ## inject every fault while leads flow, then check that no lead was lost or sold twice (docs/chaos.md)
	$(Q)$(BIN)/python -m tests.chaos $(ARGS)

# Servers of its own in var/load/, which the next run removes.
.PHONY: load
load: venv ## send leads at planned times into the whole product, and measure what they wait for (docs/load.md)
	$(Q)$(BIN)/python -m tests.load $(ARGS)

.PHONY: alarm-drill
alarm-drill: venv ## kill all workers under load, and measure when the page reaches a receiver (docs/alerts.md)
	$(Q)ops/install_prometheus.sh >/dev/null
	$(Q)$(BIN)/python -m tests.load.alarm $(ARGS)

.PHONY: bench-dispatch
bench-dispatch: venv ## measure how late leads start and how many are moved, against Celery and a poller
	$(Q)$(BIN)/python -m tests.bench.dispatch $(ARGS)

.PHONY: bench-scrapes
bench-scrapes: venv ## measure scrapes of every process, also while PostgreSQL is frozen
	$(Q)$(BIN)/python -m tests.bench.scrapes $(ARGS)

# A separate server, which keeps its million leads. Nothing there is worth an fsync.
.PHONY: bench-scale
bench-scale: venv ## measure every page, list, command and reconciler on a year with a million leads
	$(Q)export LEADSWITCH_VAR_DIR=var/scale LEADSWITCH_EMBEDDED_FSYNC=false LEADSWITCH_ENV_FILE= LEADSWITCH_ROLE=web \
	  LEADSWITCH_LOG_LEVEL=ERROR; trap '$(SERVICES) stop >/dev/null' EXIT; $(BIN)/python -m tests.bench.scale $(ARGS)

.PHONY: migrate
migrate: venv ## bring the database's tables up to date
	$(Q)$(MANAGE) migrate

.PHONY: services-start services-stop services-status stop
services-start: venv ## start the embedded PostgreSQL and Redis
	$(Q)$(SERVICES) start
services-stop: venv ## stop them
	$(Q)$(SERVICES) stop
services-status: venv ## show whether they run
	$(Q)$(SERVICES) status
stop: services-stop

.PHONY: lock
lock: venv ## compile requirements*.in into pinned, hashed requirements*.txt
	$(Q)$(PYTHON) -m venv var/lock-venv && var/lock-venv/bin/pip install --quiet uv
	$(Q)for name in requirements requirements-embedded requirements-dev; do var/lock-venv/bin/uv pip compile --quiet --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	  --output-file $$name.txt $$name.in || exit 1; done

.PHONY: env-example
env-example: venv ## write .env.example from the registry of environment variables
	$(Q)$(BIN)/python -m leadswitch.env >.env.example

.PHONY: refresh-data
refresh-data: venv ## pin the newest ZIP, phone and time zone data, and rebuild the table of counties
	$(Q)$(PYTHON) -m venv var/lock-venv && var/lock-venv/bin/pip install --quiet uv
	$(Q)for name in requirements requirements-embedded requirements-dev; do var/lock-venv/bin/uv pip compile --quiet --universal \
	  --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	  --upgrade-package zipcodes --upgrade-package phonenumberslite --upgrade-package tzdata \
	  --output-file $$name.txt $$name.in || exit 1; done
	$(Q)$(BIN)/python ops/refresh_counties.py

.PHONY: clean
clean: ## stop the servers; remove var/ (ALL local data), .venv and caches
	$(Q)if [ -x $(BIN)/python ]; then $(SERVICES) stop; for at in test debian; do $(TEST_ENV) LEADSWITCH_VAR_DIR=var/$$at $(SERVICES) stop; done; fi
	$(Q)rm -rf var .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
