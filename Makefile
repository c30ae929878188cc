# Everything starts here. Needs make and Python 3.11 or later; every target sets up what it needs.

PYTHON ?= python3
VENV ?= .venv
RUN = $(VENV)/bin/python
MANAGE = $(RUN) manage.py
PIP_INSTALL = $(RUN) -m pip install -qq --disable-pip-version-check
# Beside the packages they speak of, so that they vanish together.
STAMPS = $(VENV)/stamps
PORT ?= 8000

.DEFAULT_GOAL := help
.PHONY: help demo test serve check scripts bench bench-full screenshots attack setup lock clean

help:  ## List these targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: $(STAMPS)/setup  ## Turn a sample conversation into a signed bundle in var/demo and verify it.
	$(MANAGE) demo

test: $(STAMPS)/setup $(STAMPS)/dev-packages  ## Run the tests on every core; missing foreign tools are named and skipped.
	$(RUN) -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

serve: $(STAMPS)/setup  ## Serve the pages, the API and the verification page on this machine.
	PORT=$(PORT) $(MANAGE) serve

check: $(STAMPS)/setup $(STAMPS)/dev-packages  ## Check format, lint, types, import rules, migrations.
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --cache-dir var/import-linter
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check

scripts: $(STAMPS)/setup $(STAMPS)/dev-packages  ## Show which scripts can be copied out of a PDF exactly, peers beside.
	$(RUN) -W ignore -m evidence.render.scripts var/fonts

bench: $(STAMPS)/setup $(STAMPS)/dev-packages  ## Measure every stage up to 100,000 messages, and the renderer beside its peers.
	$(MANAGE) bench

bench-full: $(STAMPS)/setup $(STAMPS)/dev-packages  ## The same, and 1,000,000 messages and 1,000 photos; takes long.
	$(MANAGE) bench --full

screenshots: $(STAMPS)/setup $(STAMPS)/dev-packages  ## Take a picture of every page, two widths, two languages, into var/screenshots.
	SCREENSHOTS=$(CURDIR)/var/screenshots $(RUN) -m pytest -q tests/browser/test_every_page.py -k pictures

attack: $(STAMPS)/setup  ## Build honest and forged files of every kind; print what each verifier says.
	$(MANAGE) attack $(ARGS)

setup: $(STAMPS)/setup  ## Only set up: packages, fonts, catalogues, database, development PKI.

lock: $(STAMPS)/dev-packages  ## Write deploy/constraints.txt from what is installed; begin with make clean.
	@echo '# What the required packages bring along, so that two installations are the same: make lock.' \
	    > deploy/constraints.txt
	@cat requirements.txt requirements-dev.txt | sed '/^-/d' > $(STAMPS)/required.txt
	$(RUN) -m pip freeze -r $(STAMPS)/required.txt \
	    | sed '1,/^## The following/d' | grep -vi '^setuptools==' >> deploy/constraints.txt

clean:  ## Remove what can be made again: caches, demo, the virtual environment. Keeps stored evidence.
	rm -rf $(VENV) var/demo var/screenshots var/fonts var/mypy var/ruff var/pytest var/import-linter .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "TrueThread needs Python 3.11 or later, and $(PYTHON) is not." >&2; \
	    echo "Name another one: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV) || { \
	    echo "This Python cannot make virtual environments (Debian: apt-get install python3-venv)." >&2; \
	    rm -rf $(VENV); exit 1; }
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/packages: requirements.txt deploy/constraints.txt $(STAMPS)/venv
	@echo "Installing packages into $(VENV) ..."
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(STAMPS)/dev-packages: requirements-dev.txt $(STAMPS)/packages
	@echo "Installing the packages of checks and tests into $(VENV) ..."
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@

$(STAMPS)/setup: $(STAMPS)/packages FORCE
	@$(MANAGE) setup --quiet
	@touch $@

.PHONY: FORCE
FORCE:
