# One task runner, the same for people and for CI. `make run` and `make test` are all a newcomer needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := curl swaks isync mutt fetchmail
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)

.PHONY: run test check lint types pure slow clients bench clean

run: $(VENV)/installed
	@$(BIN)/pillarbox demo

test: check clients
	$(BIN)/python -m pytest -n $(WORKERS) -m "process or client or crash" tests

# Under a minute: lint, types and all tests that start no server.
check: lint pure

lint: $(VENV)/tested
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy

pure: $(VENV)/tested
	$(BIN)/python -m pytest -n $(WORKERS) -m "not (process or client or crash)" tests

# Mail clients from the distribution, which the tests drive; without root those tests say what is missing.
clients:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  dpkg -s $(CLIENTS) >/dev/null 2>&1 || { apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(CLIENTS) >/dev/null; }; fi

bench: $(VENV)/tested
	$(BIN)/python bench/all.py

$(VENV)/installed: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Pillarbox needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Pillarbox needs Python 3.11 or newer, this is $$($(PYTHON) -V)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "could not make $(VENV); on Debian: apt-get install python3-venv"; exit 1; }
	@echo "installing Pillarbox into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/tested: $(VENV)/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis demo
