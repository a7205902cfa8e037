# make setup | test | test-fast | demo | lint | format | hooks | release-check | docs      STACK=modern (default) or STACK=legacy
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

STACK ?= modern
PYTEST_ARGS ?=
DEMO_ARGS ?=

ifeq ($(STACK),modern)
  VERSIONS := 3.11 3.12
  PINS := requirements/modern-py311.txt
  VENV := .venv
else ifeq ($(STACK),legacy)
  VERSIONS := 3.10
  PINS := requirements/legacy-py310.txt
  VENV := .venv-legacy
else
  $(error STACK must be modern or legacy, found "$(STACK)")
endif

BIN := $(VENV)/bin
# uv installs faster where it is; it knows nothing of pip's configuration, so pip comes first where there is one.
UV := $(shell command -v uv)
ifneq ($(and $(UV),$(if $(wildcard /etc/pip.conf $(HOME)/.config/pip/pip.conf $(HOME)/.pip/pip.conf)$(PIP_INDEX_URL)$(PIP_FIND_LINKS)$(PIP_CONFIG_FILE),,yes)),)
  INSTALL := uv pip install --quiet --python $(BIN)/python
else
  INSTALL := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input install
endif
PINS_STAMP := $(VENV)/.pins-installed
STAMP := $(VENV)/.installed
DEMO_STAMP := $(VENV)/.demo-installed
LINT_STAMP := .venv-lint/.installed
DOCS_STAMP := .venv-docs/.installed

.PHONY: setup test test-fast demo lint format hooks release-check docs clean
.DEFAULT_GOAL := setup

setup: $(STAMP)
	@echo "Ready: $(BIN)/python ($(STACK) stack)"

# Built anew when the pins change, so that it never holds a mixture of two sets.
$(PINS_STAMP): $(PINS) .ci/find-python
	@python=$$(PYTHON="$(PYTHON)" bash .ci/find-python $(VERSIONS)); \
	echo "Python: $$python ($$($$python --version)), into $(VENV)"; \
	rm -rf $(VENV); \
	$$python -m venv $(VENV)
	@echo "Installing $$(grep -c '==' $(PINS)) pinned packages ($(STACK) stack); this takes some minutes"
	@$(INSTALL) --no-deps -r $(PINS)
	@touch $@

# The version is in the package.
$(STAMP): setup.py allennlp_kd/__init__.py $(PINS_STAMP)
	@$(BIN)/python -m pip -qq --disable-pip-version-check --no-input install \
		--no-deps --no-build-isolation --no-index -e .
	@touch $@

$(DEMO_STAMP): requirements/demo.txt $(STAMP)
	@$(INSTALL) --no-deps -r requirements/demo.txt
	@touch $@

test: $(STAMP)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest $(PYTEST_ARGS)

test-fast: $(STAMP)
	@OMP_NUM_THREADS=$${OMP_NUM_THREADS:-1} $(BIN)/python -m pytest -m "not slow" $(PYTEST_ARGS)

demo: $(DEMO_STAMP)
	@$(BIN)/python -m benchmarks demo $(DEMO_ARGS)

# The checkers have an environment of their own; the type checker reads the stack's packages from $(VENV).
$(LINT_STAMP): requirements/lint.txt .ci/find-python
	@python=$$(PYTHON="$(PYTHON)" bash .ci/find-python 3.11 3.12); \
	rm -rf .venv-lint; \
	$$python -m venv .venv-lint
	@.venv-lint/bin/python -m pip -qq --disable-pip-version-check --no-input install --no-deps -r requirements/lint.txt
	@touch $@

lint: $(LINT_STAMP) $(STAMP)
	@.venv-lint/bin/ruff format --check --quiet . || { echo "Not formatted: run make format"; exit 1; }
	@.venv-lint/bin/ruff check .
	@.venv-lint/bin/mypy --python-executable $(BIN)/python

format: $(LINT_STAMP)
	@.venv-lint/bin/ruff check --fix --quiet . || true
	@.venv-lint/bin/ruff format .

hooks: $(LINT_STAMP)
	@.venv-lint/bin/pre-commit install --hook-type pre-commit --hook-type pre-push

release-check:
	@PYTHON="$(PYTHON)" bash .ci/release-check

# The site is built from sources that are read, not imported: its environment has no torch.
$(DOCS_STAMP): requirements/docs.txt .ci/find-python
	@python=$$(PYTHON="$(PYTHON)" bash .ci/find-python 3.11 3.12); \
	rm -rf .venv-docs; \
	$$python -m venv .venv-docs
	@.venv-docs/bin/python -m pip -qq --disable-pip-version-check --no-input install --no-deps -r requirements/docs.txt
	@touch $@

docs: $(DOCS_STAMP)
	@.venv-docs/bin/python -m mkdocs build --strict --quiet
	@if grep -rnE '<(script|link|img|iframe)[^>]* (src|href)="(https?:)?//' site --include='*.html'; then \
		echo "The site fetches from elsewhere what the lines above name"; exit 1; fi
	@echo "site/index.html: $$(find site -name '*.html' | wc -l) pages"

clean:
	rm -rf $(VENV) .venv-lint .venv-docs site
