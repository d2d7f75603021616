# Everything that a machine with Python 3.11 or newer and make needs:
#   make serve    start an API server (FLAGS="--secure-port=7443 …" for kapi's flags)
#   make test     check the code and run all tests
#   make bench    measure single functions and a whole server (BENCH="--workers=2 …")
#   make soak     run the long tests: faults, many rounds, many clients (half an hour)

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
# A checkout is not compiled by pip, and some machines keep Python from doing it on import: it halves the start time.
COMPILE := $(BIN)/python -m compileall -q core plugins || true
FLAGS ?=
TESTS ?= tests
BENCH ?=

.PHONY: serve test soak bench lint format clean

serve: $(VENV)/.installed
	$(BIN)/kapi serve $(FLAGS)

test: lint
	$(BIN)/python tests/e2e/real_clients.py
	$(BIN)/pytest -q $(TESTS)

soak: $(VENV)/.installed-for-tests
	$(BIN)/pytest -q -m soak --timeout=1800 $(TESTS)

bench: $(VENV)/.installed-for-tests
	$(BIN)/pytest -q benchmarks --benchmark-columns=min,median,rounds --benchmark-sort=name
	$(BIN)/python benchmarks/whole_server.py $(BENCH)

lint: $(VENV)/.installed-for-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-for-tests
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build *.egg-info

$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "kapi needs Python 3.11 or newer (python3 is older, or missing)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/pip setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	$(COMPILE)
	touch $@

$(VENV)/.installed-for-tests: $(BIN)/pip setup.cfg pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	$(COMPILE)
	touch $@ $(VENV)/.installed
