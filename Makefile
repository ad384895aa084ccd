# Everything runs in a virtual environment of its own; override PYTHON or VENV to choose others.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
CORE := $(VENV)/.installed-core
# Maven coordinates of Delta for spark-submit; empty (make demo-spark DELTA=) where Spark has its jars or none can be had.
DELTA ?= $(shell $(BIN)/python -c 'from glm_spark.session import delta_packages; print(delta_packages())')

# Versions to install, of what pyproject.toml names; empty takes the newest it allows.
CONSTRAINTS ?= constraints.txt
PIP_INSTALL := -m pip install -q --disable-pip-version-check
# Where a version of the constraints cannot be had, the newest that pyproject.toml allows will do.
install = $(if $(CONSTRAINTS),$(BIN)/python $(PIP_INSTALL) -c $(CONSTRAINTS) $(1) || \
	{ echo "Not all versions of $(CONSTRAINTS) can be had: the newest allowed are taken."; $(BIN)/python $(PIP_INSTALL) $(1); },\
	$(BIN)/python $(PIP_INSTALL) $(1))

# The first and the last version of pandas that pyproject.toml allows; the environment itself has one between them.
PANDAS ?= 2.2.3 3.1.1
# The ends of what pyproject.toml allows of the packages that hold rows.
LOWEST ?= pandas==2.2.3 pyarrow==21.0.0 numpy==2.0.2
NEWEST ?= pandas==3.1.1 pyarrow==26.0.1 numpy==2.4.6
WITHOUT_SPARK ?= -m 'not slow and not spark' tests $(addprefix --ignore=tests/,architecture benchmarks)

# How tests are run; `make coverage` runs them under coverage.
RUN ?= -m pytest

.PHONY: demo demo-study demo-spark test test-apart test-spark test-pandas test-matrix test-lowest test-newest \
	test-beside test-ansi-off coverage test-slow golden docs-errors bench lint clean help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

$(CORE): pyproject.toml $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing glm-spark into $(VENV): a minute or so, once …"
	$(call install,-e .)
	touch $(CORE)

$(STAMP): pyproject.toml $(CONSTRAINTS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing glm-spark, Spark and what the tests need into $(VENV): some minutes, once …"
	$(call install,-e '.[dev]')
	touch $(CORE) $(STAMP)

demo: $(CORE) ## Run the main job on real rows with the embedded engine
	$(BIN)/glm run conf/base/quickstart.toml

demo-study: $(CORE) ## Run an automatic study of factors on the same rows
	$(BIN)/glm study conf/base/study_quickstart.toml

demo-spark: $(STAMP) ## Run the same job on Spark through spark-submit
	PYSPARK_PYTHON=$(abspath $(BIN)/python) $(BIN)/spark-submit $(if $(DELTA),--packages $(DELTA)) jobs/run_glm.py --conf conf/base/quickstart.toml

test: $(STAMP) ## Lint, types, import rules and all tests, Spark included
	$(MAKE) lint
	$(MAKE) -j2 test-apart test-spark

test-apart: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python $(RUN) -m 'not slow and not spark'

test-spark: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python $(RUN) -m 'not slow and spark' tests

coverage: $(STAMP) ## The tests with the branches they run, held against the floor in pyproject.toml
	$(BIN)/python -m coverage erase
	$(MAKE) -j2 test-apart test-spark RUN='-m coverage run --parallel-mode -m pytest'
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report --skip-covered --sort=cover

test-pandas: $(STAMP) ## The tests without Spark on the other supported versions of pandas
	for version in $(PANDAS); do \
	  beside=$(abspath $(VENV))/pandas-$$version && \
	  { test -d $$beside || $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps \
	    --target $$beside pandas==$$version; } && \
	  PYTHONPATH=$$beside $(BIN)/python -c "import pandas; assert pandas.__version__ == '$$version'" && \
	  echo "pandas $$version" && \
	  PYTHONPATH=$$beside $(BIN)/python -m pytest $(WITHOUT_SPARK) || exit 1; \
	done

test-matrix: test-lowest test-newest test-ansi-off ## The ends: lowest and newest pandas, pyarrow, numpy; Spark without ANSI SQL

test-lowest: $(STAMP)
	$(MAKE) test-beside NAME=lowest PACKAGES='$(LOWEST)'

test-newest: $(STAMP)
	$(MAKE) test-beside NAME=newest PACKAGES='$(NEWEST)'

test-beside: $(STAMP)
	beside='$(abspath $(VENV))/beside-$(NAME)' && \
	{ test "$$(cat "$$beside/.installed" 2>/dev/null)" = '$(PACKAGES)' || { rm -rf "$$beside" && \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --target "$$beside" $(PACKAGES) && \
	  echo '$(PACKAGES)' > "$$beside/.installed"; }; } && \
	echo '$(NAME): $(PACKAGES)' && \
	PYTHONPATH="$$beside" OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(WITHOUT_SPARK)

test-ansi-off: $(STAMP)
	GLM_TEST_ANSI=false OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not slow' tests/glm_spark tests/expressions tests/sql

test-slow: $(STAMP) ## The long tests: kill stress, big frames
	$(BIN)/python -m pytest -m slow

lint: $(STAMP) ## ruff, mypy strict, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

golden: $(STAMP) ## Take R's figures over from ../shared/truth (or GLM_TRUTH), and print what changed
	$(BIN)/python -m tests.expected.refresh

docs-errors: $(STAMP) ## Write docs/errors.md, the rules that errors tell
	$(BIN)/python -m tests.architecture.error_catalogue

bench: $(STAMP) ## Side-by-side benchmarks; installs the peers
	@echo "Installing the peers: some minutes, once …"
	$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[bench]'
	$(BIN)/python -m tests.benchmarks

clean: ## Remove what runs leave behind
	rm -rf artifacts spark-warehouse .pytest_cache .mypy_cache .ruff_cache .coverage .coverage.*
