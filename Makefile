# Every target sets up what it needs: nothing but Python 3.11 or newer has to be on the machine.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# What the installed package is made from; a change in any of it installs again.
SOURCES := $(shell find agents analysis market network scenarios sim -type f \
             -not -path '*/__pycache__/*') __init__.py __main__.py py.typed pyproject.toml

.PHONY: run view test test-peers soak lint docs bench bench-peers clean
.DELETE_ON_ERROR:

run: $(VENV)/.core          ## simulate a month of the village and say where the results are
	$(BIN)/gridbazaar run

view: $(VENV)/.viz          ## the browser page, on this machine alone; Ctrl-C ends it
	$(BIN)/gridbazaar view

test: $(VENV)/.test         ## everything that can be checked in a few minutes
	$(BIN)/python -m pytest -q -rs -n auto --cov --cov-report=term:skip-covered
	$(BIN)/python -m pytest -q -n auto --doctest-modules --confcutdir=tests --pyargs gridbazaar

# A folder of its own: `make test` does not collect it.
soak: $(VENV)/.test         ## the long tests: 10,000 broken files, hundreds of killed runs
	$(BIN)/python -m pytest -q --durations=10 tests/soak

lint: $(VENV)/.test         ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	cd tests && ../$(BIN)/mypy --config-file ../pyproject.toml -p gridbazaar

docs: $(VENV)/.docs         ## the documentation site, in build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo build/site/index.html

bench: $(VENV)/.test        ## speed, as ratios measured in one run
	$(BIN)/python -m pytest -q -s -o addopts="--import-mode=importlib --confcutdir=tests" tests/benchmarks

test-peers: .venv-peers/.peers ## against pandapower, which needs an environment of its own
	.venv-peers/bin/python -m pytest tests/peers -q

# One thread each, without progress bars: what tensorpowerflow's libraries read.
bench-peers: test-peers     ## power flow and market rules against all their peers (1.7 GB of environment)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 TQDM_DISABLE=1 \
	  .venv-peers/bin/python -m pytest -q -s -o addopts="--import-mode=importlib --confcutdir=tests" \
	  --benchmark-columns=median tests/benchmarks/test_power_flow_peers.py \
	  tests/benchmarks/test_mechanism_speed.py

.venv-peers/.peers: $(SOURCES)
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check '.[peers]'
	@rm -rf build && touch $@

clean:                      ## remove the environment and what building leaves; never results
	rm -rf $(VENV) build *.egg-info

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else \
	  f"GridBazaar needs Python 3.11 or newer, this is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check .
	@rm -rf build && touch $@

$(VENV)/.viz: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[viz]'
	@rm -rf build && touch $@ $(VENV)/.core

$(VENV)/.test: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[test]'
	@rm -rf build && touch $@ $(VENV)/.viz $(VENV)/.core

$(VENV)/.docs: $(SOURCES) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '.[docs]'
	@rm -rf build && touch $@ $(VENV)/.core
