# kpatch-tools: `make demo` shows what kpt does, `make test` shows that it works. Needs git, make and Python 3.11+.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DEPS   := $(VENV)/.installed
TOOLS  := $(VENV)/.tools

.PHONY: help demo test lint real bench fuzz cover wheel clean

help:
	@echo "make demo   install into $(VENV) and run the main job on the embedded miniature kernel"
	@echo "make test   the test suite, without a kernel at hand"
	@echo "make lint   ruff, mypy --strict, import-linter"
	@echo "make real   the tests that need a real kernel: KPT_LINUX_GIT=/path/to/linux.git"
	@echo "make bench  speed as ratios against git: KPT_LINUX_GIT=/path/to/linux.git"
	@echo "make fuzz   20,000 random C functions, ours against gcc (FUNCTIONS=10000 of each kind), and 20,000 hostile mails"
	@echo "make wheel  build dist/*.whl"

$(DEPS): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kpt needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no venv module: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

$(TOOLS): $(DEPS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lint]' build
	@touch $@

demo: $(DEPS)
	@$(BIN)/kpt demo

# What needs a real kernel repository is skipped here, with its reason: `make real` runs it.
test: $(DEPS)
	env -u KPT_LINUX_GIT -u KPT_XEN_TRUTH $(BIN)/python -m pytest

lint: $(TOOLS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

real: $(DEPS)
	@test -n "$(KPT_LINUX_GIT)" || { echo "make real needs KPT_LINUX_GIT: a git directory with mainline history up to v3.1"; exit 2; }
	$(BIN)/python -m pytest -m real

bench: $(DEPS)
	@test -n "$(KPT_LINUX_GIT)" || { echo "make bench needs KPT_LINUX_GIT: a git directory with mainline history up to v3.1"; exit 2; }
	$(BIN)/python bench/hooks.py
	$(BIN)/python bench/hooks_index.py
	$(BIN)/python bench/backport.py
	$(BIN)/python bench/pairs.py
	$(BIN)/python bench/history.py
	$(BIN)/python bench/model.py

# FUNCTIONS random functions of each kind, compiled by gcc and translated by us; then MAILS mails made to hurt.
fuzz: $(DEPS)
	env KPT_FUZZ_FUNCTIONS=$(or $(FUNCTIONS),10000) $(BIN)/python -m pytest tests/model/cexec/test_random_programs.py tests/model/cexec/test_random_objects.py
	env KPT_FUZZ_MAILS=$(or $(MAILS),20000) $(BIN)/python -m pytest tests/review/test_hostile.py

cover: $(DEPS)
	env -u KPT_LINUX_GIT -u KPT_XEN_TRUTH $(BIN)/python -m pytest --cov --cov-report=term-missing

wheel: $(TOOLS)
	$(BIN)/python -m build --wheel --outdir dist .

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
