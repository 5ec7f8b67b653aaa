# Everything lives in .venv; nothing needs root. Targets set up what they need, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: help demo test check format bench soak parity picture docs contract quantize-all clean
.DEFAULT_GOAL := help

help:  ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

demo: $(VENV)/.demo  ## a puppet falls asleep: camera to MQTT message, live, in half a minute
	$(BIN)/mien demo

test: $(VENV)/.dev  ## the whole test suite (parts that need shared/ or mosquitto skip without them)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.dev  ## ruff and mypy, strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev  ## let ruff format and fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## how fast, on this machine: a table, no verdict
	$(BIN)/python -m tests.benchmarks

soak: $(VENV)/.dev  ## an hour of kills, lost brokers, broken cameras and a looped clip: nothing lost, nothing grows
	$(BIN)/python -m tests.soak.delivery
	$(BIN)/python -m tests.soak.camera
	$(BIN)/python -m tests.soak.daemon

parity: $(VENV)/.dev  ## our face models against the mediapipe package's own API, in its own environment
	PYTHON=$(BIN)/python tests/parity/run.sh

picture: $(VENV)/.dev  ## draw README's pictures anew from the pipeline's output
	$(BIN)/python -m edge.demo.picture docs

docs: $(VENV)/.dev  ## write docs/events and docs/configuration.md from the code
	$(BIN)/python -m edge.events.page docs/events
	$(BIN)/python -m edge.config.page docs/configuration.md

contract:  ## hold docs/events/asyncapi.json against AsyncAPI's own validator (needs npm; 1.5 GB, once)
	tests/contract/validate.sh

quantize-all: $(VENV)/.dev  ## every recipe's network at full size to int8: a table (minutes)
	$(BIN)/python -m tests.quantize.every_recipe

clean:  ## remove the environments and caches
	rm -rf $(VENV) .venv-mediapipe .mypy_cache .ruff_cache .pytest_cache *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mien needs Python 3.11 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.11 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "No venv module: apt-get install python3-venv"; exit 2; }

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) (some 400 MB, once) …"
	$(PIP) install -e '.[demo]'
	$(BIN)/mien models install
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) with the tools for tests and training (some 2 GB, once) …"
	$(PIP) install -e '.[dev]'
	$(BIN)/mien models install
	@touch $@ $(VENV)/.demo
