# Every target sets itself up in .venv; it needs Python 3.11 or newer, make, and a package registry the first time.
PYTHON ?= python3
BIN := .venv/bin
# More processes would only take the cores from each other: each has the threads of all of them
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

.PHONY: demo test test-gpu parity bench lint

demo: .venv/base
	rm -rf runs/demo
	$(BIN)/python -m zoo.mnist_cnn train --data builtin --out runs/demo --epochs 12 --gamma 0.9
	$(BIN)/python -m zoo.mnist_cnn evaluate runs/demo

test: .venv/test
	$(PYTEST) -m "not parity"

test-gpu: .venv/test
	$(BIN)/python -c 'import framework as f; f.cuda.current_device()'  # says so if there is none
	$(BIN)/python -m pytest -m gpu

parity: .venv/parity
	$(PYTEST) -m parity

bench: .venv/base
	$(BIN)/python -m benchmarks --readme README.md

lint: .venv/test
	$(BIN)/ruff check .

.venv/base: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: Python 3.11 or newer is needed, but $(PYTHON) is older; try: make PYTHON=python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check -e .
	@touch $@

.venv/test: .venv/base
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test]'
	@touch $@

.venv/parity: .venv/test
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[test,parity]'
	@touch $@
