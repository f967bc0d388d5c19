# Storewarden: everything a person types. `make` alone shows this list.
# All set-up happens by itself, in setup/prepare, and only when something changed.

SHELL := /bin/bash
bin := .venv/bin
# More for pytest or the daemon: make test ARGS="-k scan", make run ARGS="--config my.yaml"
ARGS ?=
# A third of the time tests wait, for disks and for daemons: so many more than cores are worked by.
workers := $(shell echo $$(( $$(nproc) * 2 )))

.DEFAULT_GOAL := help
.PHONY: help setup run test lint format bench soak mutation wheel deb pyz clean
.NOTPARALLEL:

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what running needs into .venv (and, as root or with sudo, two system packages)
	@setup/prepare run

run: setup ## start the daemon here: watches ./save_outputs and ./uploads, Ctrl-C stops it
	@exec $(bin)/storewarden run $(ARGS)

test: ## all tests, with the servers they need (ARGS="-k word" for some)
	@setup/prepare test
	@$(bin)/pytest -n $(workers) $(ARGS)

lint: ## form, types, direction of imports
	@setup/prepare lint
	@failed=; \
	$(bin)/ruff check . || failed+=" ruff"; \
	$(bin)/ruff format --check --output-format concise . || failed+=" format (make format mends it)"; \
	$(bin)/mypy || failed+=" mypy"; \
	$(bin)/lint-imports --no-logo || failed+=" lint-imports"; \
	[[ -z $$failed ]] || { echo "lint failed:$$failed"; exit 1; }

format: ## put the sources into form
	@setup/prepare lint
	@$(bin)/ruff check --fix-only --quiet . ; $(bin)/ruff format .

bench: ## how fast, against what one would use instead; figures as a table
	@setup/prepare test
	@$(bin)/python -m bench $(ARGS)

soak: ## long runs: hours of load, faults and restarts
	@setup/prepare test
	@$(bin)/pytest -m soak --timeout 0 $(ARGS)

mutation: ## does a test notice each small wrong in what proves, removes and recovers?
	@setup/prepare test
	@$(bin)/python -m tests.mutation $(ARGS)

wheel: ## dist/storewarden-…whl, for pip
	@setup/prepare package
	@setup/package-wheel

deb: ## dist/storewarden_….deb, for this distribution
	@setup/prepare package
	@setup/package-deb

pyz: ## dist/storewarden.pyz, one file that runs where this Python does
	@setup/prepare package
	@setup/package-pyz

clean: ## remove what make made: .venv and caches; never a catalogue or a watched file
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
