# SaaS Manager. Needs git, make, Python 3.11 or newer and pip; everything else is installed into .venv.

PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
COMPILE = $(BIN)/uv pip compile --quiet --no-strip-extras --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links $(ARGS)

.PHONY: help demo test bench check install lock plan screenshots serve python

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 13

demo: python ## a running demo with data, on this machine only
	@$(PYTHON) -m scripts.environment runtime && exec $(BIN)/python -m scripts.demo

test: install ## every test on SQLite, and on PostgreSQL those that ask the database; pytest's options as ARGS="..."
	@$(BIN)/python -m scripts.suite $(ARGS)

bench: install ## how fast the server is beside the least it must do; options as ARGS="..."
	@$(BIN)/python -m scripts.bench $(ARGS)

check: install ## style, types, templates, import contracts, settings, missing migrations
	@$(BIN)/python -m scripts.check

install: python ## .venv with the server, its tests and its tools
	@$(PYTHON) -m scripts.environment all

lock: install ## requirements/*.in to the lock files; ARGS=--upgrade takes the newest versions that fit
	@$(COMPILE) requirements/runtime.in -o requirements.txt
	@$(COMPILE) requirements/runtime.in requirements/test.in requirements/dev.in -c requirements.txt -o requirements-dev.txt

plan: install ## the picture of rooms and imports, into docs/architecture.svg
	@$(BIN)/python -m scripts.floor_plan

screenshots: install ## a picture of every page, into docs/pictures, or some by name: ARGS="users profile"
	@$(BIN)/python -m scripts.screenshots $(ARGS)

serve: python ## the production server in the foreground; HOST, PORT, WEB_CONCURRENCY
	@$(PYTHON) -m scripts.environment runtime && exec $(BIN)/python -m scripts.serve

python:
	@test -n "$(PYTHON)" || { echo "SaaS Manager needs Python 3.11 or newer, and finds none in PATH."; exit 1; }
