# Everything a newcomer needs: `make run` and `make test` set themselves up with Python 3.11+ and make alone.
#
# Two stamps inside .venv remember what is installed: a target installs again only when the pinned requirements
# or pyproject.toml are newer than its stamp.

PYTHON  ?= python3
# One more than the two cores of continuous integration: the kiosk's tests go at a person's pace and leave theirs to others.
WORKERS ?= 3

VENV := .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check install -qq
LOCK := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
        --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade)

PCSC_LOG     := $(VENV)/pcsc.log
INSTALL_PCSC := $(PIP) --require-hashes -r requirements/pcsc.txt >$(PCSC_LOG) 2>&1

MADE     := $(VENV)/.made
FOR_RUN  := $(VENV)/.installed-run
FOR_DEV  := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev pcsc run test test-long lint bench-decide bench-store bench-hsm bench-codec bench-session bench-host bench-layers bench-load bench-fleet lock clean

help:  ## print this list
	@echo "make TARGET, where TARGET is one of"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{ printf "%-14s %s\n", $$1, $$2 }'

setup: $(FOR_RUN)  ## create .venv with the pinned dependencies and the three commands
	@echo "Ready: $(BIN)/atm-sim, $(BIN)/bank-host, $(BIN)/cardreader"

setup-dev: $(FOR_DEV)  ## the same, with all that tests and lint need
	@echo "Ready for make test and make lint."

pcsc: $(FOR_DEV)  ## install the smart-card reader support that setup-dev could not build
	@$(INSTALL_PCSC) || { cat $(PCSC_LOG); exit 1; }

run: $(FOR_RUN)  ## play the tutorial's first day and name the report
	@$(BIN)/atm-sim run scenarios/tutorial/first_day.yaml --out out/first_day

test: $(FOR_DEV)  ## run the test suite (minutes)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

test-long: $(FOR_DEV)  ## run the test suite with every test in its full form (long)
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "long or not long" --timeout 3600

lint: $(FOR_DEV)  ## ruff, mypy and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

bench-decide: $(FOR_RUN)  ## print the time one decision takes
	@$(BIN)/python -m bench.decide

bench-store: $(FOR_DEV)  ## print withdrawals per second by batch, on SQLite and PostgreSQL
	@$(BIN)/python -m bench.store

bench-hsm: $(FOR_RUN)  ## print the time the key module's calls take
	@$(BIN)/python -m bench.hsm

bench-codec: $(FOR_DEV)  ## print the time one message takes on the wire side
	@$(BIN)/python -m bench.codec

bench-session: $(FOR_RUN)  ## print the time one session at an ATM takes in full detail
	@$(BIN)/python -m bench.session

bench-host: $(FOR_DEV)  ## print withdrawals per second over TCP, beside pgbench and raw SQLite (minutes)
	@$(BIN)/python -m bench.host

bench-layers: $(FOR_DEV)  ## print what each layer of the host costs for one withdrawal
	@$(BIN)/python -m bench.layers

bench-load: $(FOR_DEV)  ## print the rate that one load generator keeps, over two kinds of link (three minutes)
	@$(BIN)/python -m bench.load

bench-fleet: $(FOR_DEV)  ## print what a session of a fleet costs, beside a textbook SimPy model (minutes)
	@$(BIN)/python -m bench.fleet

lock: $(FOR_DEV)  ## pin the requirements again from pyproject.toml (UPGRADE=1 raises every pin)
	@$(LOCK) pyproject.toml requirements/build.in --extra dev --extra postgres -o requirements/dev.txt
	@$(LOCK) pyproject.toml requirements/build.in -c requirements/dev.txt -o requirements/run.txt
	@$(BIN)/python requirements/extra.py pcsc | $(LOCK) - -c requirements/dev.txt -o requirements/pcsc.txt
	@echo "requirements/{run,dev,pcsc}.txt are pinned; commit them."

clean:  ## remove .venv, caches and run folders
	@rm -rf $(VENV) out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- what the targets above stand on

$(MADE):
	@command -v $(PYTHON) >/dev/null || { \
	  echo "make: $(PYTHON) is not on the PATH. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $(PYTHON) is $$($(PYTHON) -V 2>&1), but 3.11 or newer is needed. Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "make: python3-venv is missing: $(PYTHON) cannot create virtual environments."; \
	  echo "      Debian, Ubuntu: sudo apt-get install python3-venv"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) -V 2>&1)."
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(FOR_RUN): requirements/run.txt pyproject.toml | $(MADE)
	@echo "Installing the pinned dependencies (a minute or two the first time)."
	@$(PIP) --require-hashes -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(FOR_DEV): requirements/dev.txt requirements/pcsc.txt $(FOR_RUN)
	@echo "Installing what tests and lint need."
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(INSTALL_PCSC) || { \
	  echo "pyscard could not be built here, so tests with a card reader are skipped. To have them, install a C compiler"; \
	  echo "and libpcsclite-dev, then: make pcsc  (log: $(PCSC_LOG))"; }
	@touch $@
