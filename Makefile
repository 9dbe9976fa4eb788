# `make` lists what there is. Needs Python 3.11 or later, make, and a package registry; everything else goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

# The tests start hundreds of processes: each would compile every module anew where an environment forbids to keep that.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help rehearse test test-all lint simulate simulate-long bench record docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(INSTALLED): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or later is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

rehearse: $(INSTALLED) ## replay every shipped scenario offline and write reports/index.html
	$(BIN)/pytest scenarios --cassettes replay

test: $(INSTALLED) ## lint, check types, and run every test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@echo "types are checked beside the tests; these are compiled once, for all workers"; \
	$(BIN)/mypy & types=$$!; \
	$(BIN)/pytest tests --collect-only -q > /dev/null; \
	$(BIN)/pytest tests -m "not long" -n 3 --dist loadfile --no-loadscope-reorder --hypothesis-seed=0; tested=$$?; \
	wait $$types && exit $$tested

test-all: $(INSTALLED) ## run every test, those too that CI has no minutes for
	$(BIN)/pytest tests -n 2 --dist loadfile --no-loadscope-reorder

lint: $(INSTALLED) ## format, then lint and check types
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/mypy

simulate: $(INSTALLED) ## replay one schedule, point by point: make simulate SEED=17, or SEED='reference run@57:crash rollback'
	$(BIN)/python -m tests.simulation replay $(SEED)

simulate-long: $(INSTALLED) ## play 100,000 random schedules and more, and everything that CI only samples (hours)
	SIMULATE=all $(BIN)/pytest tests/simulation -n 2 --dist loadgroup
	$(BIN)/python -m tests.simulation long --count $(or $(COUNT),100000)
	$(BIN)/python -m tests.simulation second-admin
	$(BIN)/python -m tests.simulation faults

bench: $(INSTALLED) ## measure against named rivals, print a table, write bench.json
	$(BIN)/python tests/bench/run.py

record: $(INSTALLED) ## record the cassettes of every shipped scenario again, from the simulated sandbox
	$(BIN)/pytest scenarios --cassettes record

docs: $(INSTALLED) ## write docs/fidelity.md, docs/errors.md and docs/if-it-dies-here.md from the code and what it does
	$(BIN)/python -m tests.conformance.fidelity
	$(BIN)/python -m tests.conformance.errors_page
	$(BIN)/python -m tests.simulation.if_it_dies

lock: $(INSTALLED) ## renew requirements.lock (needs uv)
	uv pip compile --quiet --upgrade --generate-hashes --no-emit-index-url --universal --python-version 3.11 \
		--extra keyring --extra dev --custom-compile-command "make lock" pyproject.toml --output-file requirements.lock

clean: ## remove what the other targets made
	rm -rf .venv .rehearse .pytest_cache .mypy_cache .ruff_cache .hypothesis bench.json
