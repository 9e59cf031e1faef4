# photobatch's workshop: few verbs, each documented.  `make help` lists them.
#
# Needs Python 3.11 or newer and make.  Everything else goes into .venv, from lock files with hashes (.ci/*.txt);
# where packages come from is pip's own configuration.  ARGS passes more to a verb: make test ARGS="-k ledger".

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
ifeq ($(PYTHON),)
PYTHON := python3
endif
BIN := .venv/bin
endif

PY := $(BIN)/python
PHOTOBATCH := $(BIN)/photobatch
INSTALL := $(PYTHON) .ci/install.py
COMPILE := $(firstword $(wildcard $(BIN)/uv) uv) pip compile --quiet --universal --generate-hashes \
	--no-emit-index-url --no-header --no-annotate

.DEFAULT_GOAL := help
.PHONY: help setup check fix test demo bench certify race gallery lock clean

help: ## list the verbs
	@$(PYTHON) .ci/verbs.py $(firstword $(MAKEFILE_LIST))

setup: ## .venv with the project and all tools; quick when nothing changed
	@$(INSTALL) dev

check: setup ## lint, format, types, floors, tidiness: exactly what CI runs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(BIN)/lint-imports --no-cache
	$(PY) .ci/tidy.py

fix: setup ## let ruff mend and format what it can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

test: setup ## pass the tests, on two processes
	$(PY) -m pytest -n 2 $(ARGS)

demo: ## the sample catalogue through all five endpoints, against the embedded sandbox: no key, no cost
	@$(INSTALL) demo
	$(PHOTOBATCH) run manifests/catalog.csv --recipe manifests/all-endpoints.toml --sandbox --out out/demo $(ARGS)
	$(PHOTOBATCH) report out/demo

bench: ## measure speed and memory against bare loops; writes bench/RESULTS.md
	@$(INSTALL) bench
	$(PY) bench/run.py $(ARGS)

certify: setup ## kill and resume the real command under faults; ends with what was paid twice or lost
	$(PY) bench/certify.py $(ARGS)

race: setup ## eight processes race for one cap file; ends with what was billed and left unused
	$(PY) bench/race.py $(ARGS)

gallery: setup ## contact sheets of the sandbox's studio, for every endpoint and parameter
	$(PY) -m pipeline.sandbox.studio.gallery $(ARGS)

lock: ## re-create the lock files from pyproject.toml (needs uv)
	$(COMPILE) pyproject.toml -o .ci/requirements.txt
	$(COMPILE) --all-extras --group dev pyproject.toml -o .ci/requirements-dev.txt
	$(COMPILE) --group bench -c .ci/requirements-dev.txt -o .ci/requirements-bench.txt
	$(COMPILE) -c .ci/requirements-dev.txt .ci/build.in -o .ci/requirements-build.txt

clean: ## remove .venv, caches and what demo wrote
	$(PYTHON) .ci/clean.py
