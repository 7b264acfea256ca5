# The first of these that is Python 3.12 or newer makes the environment.
PYTHON = $(shell for p in python3.13 python3.12 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo $$p && break; done)
BIN = .venv/bin
INSTALLED = .venv/.installed

.PHONY: demo install test lint calibrate notebooks bench clean

demo: install
	$(BIN)/bayesgmm run models/old_faithful.py --out out/old_faithful --force

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@test -x $(BIN)/python || test -n "$(PYTHON)" || \
		{ echo "bayesgmm needs Python 3.12 or newer; found none as python3.13, python3.12 or python3." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --constraint constraints.txt --group dev --editable .
	touch $@

test: install
	$(BIN)/python -m pytest -n auto

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

calibrate: install
	$(BIN)/python -m pytest -m slow -n auto

# Afresh, in place; `make test` only checks that they run.
notebooks: install
	$(BIN)/python notebooks/execute.py

# quick, some ten minutes, or full
PROFILE = quick

bench: install .venv-stan/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group bench
	$(BIN)/python -m benchmarks --profile $(PROFILE)

# A Python of its own: pystan's wheel for 3.13 holds an object compiled for another.
.venv-stan/.installed: benchmarks/stan-constraints.txt
	@if python3.12 -c "" 2>/dev/null; then python3.12 -m venv .venv-stan && \
		.venv-stan/bin/python -m pip install --quiet --constraint $< pystan && touch $@; \
	else echo "no python3.12: the rows of Stan are skipped." >&2; fi

clean:
	rm -rf out build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -path './.venv*' -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf
