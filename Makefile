# make setup | test | test-fast | demo      STACK=modern (default) or STACK=legacy
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

STACK ?= modern
PYTEST_ARGS ?=
DEMO_ARGS ?=

ifeq ($(STACK),modern)
  VERSION := 3.11
  PINS := requirements/modern-py311.txt
  VENV := .venv
else ifeq ($(STACK),legacy)
  VERSION := 3.10
  PINS := requirements/legacy-py310.txt
  VENV := .venv-legacy
else
  $(error STACK must be modern or legacy, found "$(STACK)")
endif

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input
PINS_STAMP := $(VENV)/.pins-installed
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.demo-installed

.PHONY: setup test test-fast demo clean
.DEFAULT_GOAL := setup

setup: $(STAMP)
	@echo "Ready: $(BIN)/python ($(STACK) stack)"

# Built anew when the pins change, so that it never holds a mixture of two sets.
$(PINS_STAMP): $(PINS) .ci/find-python
	@python=$$(PYTHON="$(PYTHON)" bash .ci/find-python $(VERSION)); \
	echo "Python: $$python ($$($$python --version)), into $(VENV)"; \
	rm -rf $(VENV); \
	$$python -m venv $(VENV)
	@echo "Installing $$(grep -c '==' $(PINS)) pinned packages ($(STACK) stack); this takes some minutes"
	@$(PIP) install --no-deps -r $(PINS)
	@touch $@

$(STAMP): setup.py $(PINS_STAMP)
	@$(PIP) install --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(DEMO_STAMP): requirements/demo.txt $(STAMP)
	@$(PIP) install --no-deps -r requirements/demo.txt
	@touch $@

test: $(STAMP)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: $(STAMP)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

demo: $(DEMO_STAMP)
	@$(BIN)/python -m benchmarks.demo $(DEMO_ARGS)

clean:
	rm -rf $(VENV)
