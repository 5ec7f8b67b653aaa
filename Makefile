# Everything lives in .venv; nothing needs root. Targets set up what they need, once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
# Where the real clips lie.
CLIPS ?= ../shared/data/clips

.PHONY: help demo test test-arm64 test-deploy check format bench speed bench-peers soak parity picture screenshots docs contract quantize-all clean
.DEFAULT_GOAL := help

help:  ## what there is to make
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

demo: $(VENV)/.demo  ## a puppet falls asleep: camera to MQTT message, live, in half a minute
	$(BIN)/mien demo

test: $(VENV)/.dev  ## the whole test suite (parts that need shared/ or mosquitto skip without them)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

test-arm64:  ## installed and tried from nothing in an emulated Raspberry Pi 4 (root, 3 GB, half an hour); a table
	PYTHON=$(PYTHON) tests/trees/arm64 $(ARGS)

test-deploy: $(VENV)/.dev  ## installed, upgraded, booted and uninstalled in Debian trees (root, 3 GB, minutes); ARCH=arm64
	$(BIN)/python -m tests.deploy $(if $(ARCH),--arch $(ARCH)) $(ARGS)

check: $(VENV)/.dev  ## ruff and mypy, strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev  ## let ruff format and fix what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## how fast, on this machine: tables, no verdict; ARGS as of mien bench
	$(BIN)/mien bench $(ARGS)

speed: $(VENV)/.dev  ## write docs/speed anew: the report on an idle machine, and what was tried on the eyelids
	$(BIN)/mien bench $(CLIPS)/eyes-close.mp4 --faces 1,2,4,8 --threads 1,2 --report docs/speed
	$(BIN)/python -m tests.bench.eyelids $(foreach clip,eyes-close blinks-and-occlusion sad-to-happy head-turns-and-nods,$(CLIPS)/$(clip).mp4) --out docs/speed/eyelids.md

bench-peers: $(VENV)/.dev  ## beside fer, deepface, mediapipe: speed, memory, size (12 GB of their environments, once)
	$(BIN)/python -m tests.peers $(ARGS)

soak: $(VENV)/.dev  ## an hour of kills, lost brokers, broken cameras and a looped clip: nothing lost, nothing grows
	$(BIN)/python -m tests.soak.delivery
	$(BIN)/python -m tests.soak.camera
	$(BIN)/python -m tests.soak.daemon
	$(BIN)/python -m tests.soak.viewers
	$(BIN)/python -m tests.soak.bridge

parity: $(VENV)/.dev  ## our face models against the mediapipe package's own API, in its own environment
	PYTHON=$(BIN)/python tests/parity/run.sh

picture: $(VENV)/.dev  ## draw README's pictures anew from the pipeline's output
	$(BIN)/python -m edge.demo.picture docs

screenshots: $(VENV)/.dev  ## take README's pictures of the live page anew (needs chromium; 3 minutes)
	$(BIN)/python -m tests.view.live.screenshots docs

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
