# The ways in. `make help` lists them. Everything is installed into .venv; the site is in _build/html.
PYTHON ?= python3
CONSTRAINTS ?= constraints.txt
VENV ?= .venv
BIN := $(VENV)/bin
REPOSITORY ?=
PART ?= 1/1
FORMAT ?=
CHAPTERS ?=
EXERCISES ?=
DATASET ?=
SECRET ?=
FOLDER ?= handed-in
export OMP_NUM_THREADS := 1
ifneq ($(words $(VENV)),1)
$(error VENV = "$(VENV)": make needs a path without spaces)
endif
# Where the book lives, for the first cell of its notebooks; by default the remote of this clone.
ifneq ($(REPOSITORY),)
export UMIXUP_REPOSITORY := $(REPOSITORY)
endif

.DEFAULT_GOAL := help
.PHONY: help install book pdf zip links test-unit test test-all fuzz lint format sync notebooks coursework grade bank slides bench gpu release serve clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/installed: pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "umixup needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@[ -e $(VENV) ] || { mkdir -p $(VENV) && touch $(VENV)/made-by-make; }
	@[ ! -e $(VENV)/made-by-make ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) -e '.[dev]'
	@touch $@

install: $(VENV)/installed  ## make .venv and install everything into it

book: $(VENV)/installed  ## execute what has changed, build the site into _build/html
	$(BIN)/python book/make.py execute
	$(BIN)/python book/make.py site

pdf: $(VENV)/installed  ## the built site as one PDF, _build/umixup-book.pdf, printed by Chromium
	$(BIN)/python book/pdf.py

zip: $(VENV)/installed  ## the built site as an archive that opens without a server, _build/umixup-book.zip
	cd _build/html && $(abspath $(BIN))/python -m zipfile -c ../umixup-book.zip *

links: $(VENV)/installed  ## the links of the built book to other sites, checked; needs a network
	$(BIN)/jupyter-book build _build/source --path-output _build/links --builder linkcheck

test-unit: $(VENV)/installed  ## the unit tests alone, in less than two minutes
	$(BIN)/python -m pytest -n 2 --dist loadfile

test: $(VENV)/installed  ## all tests but the long ones, and every notebook against its stored outputs
	$(BIN)/mypy
	$(BIN)/python -m pytest tests umixup notebooks -n 2 --dist loadfile -m "not long"

test-all: $(VENV)/installed  ## what make test leaves out: printed commands, other parameters, hosted machines
	$(BIN)/python -m pytest tests -n 2 --dist worksteal -m long --part $(PART) --timeout 1800 --durations 0

fuzz: $(VENV)/installed  ## the tests of random input, with thousands of examples of each
	$(BIN)/python -m pytest -n 2 --hypothesis-profile fuzz --timeout 3600 tests/test_fuzz.py

lint: $(VENV)/installed  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed  ## format the library, the tests and the chapters' code
	$(BIN)/ruff format -q umixup tests book benchmarks recipes
	$(BIN)/jupytext -q $$(grep -l '^kernelspec:' book/*.md) --pipe '$(BIN)/ruff format --line-length 84 -'

sync: $(VENV)/installed  ## carry the chapters from book/*.md over to notebooks/*.ipynb
	$(BIN)/python book/make.py sync

notebooks: $(VENV)/installed  ## re-execute the chapters and store their outputs in notebooks/
	$(BIN)/python book/make.py notebooks

# CHAPTERS="05 06" EXERCISES="ex-a ex-b" FORMAT=plain|otter|nbgrader DATASET=folder:pets@64 SECRET=
coursework: $(VENV)/installed  ## notebooks for students and instructors into _build/coursework
	$(BIN)/python book/make.py coursework --format='$(FORMAT)' --chapters='$(CHAPTERS)' \
		--exercises='$(EXERCISES)' --dataset='$(DATASET)' --secret='$(SECRET)'

grade: $(VENV)/installed  ## grade the notebooks in FOLDER=handed-in; it runs their code
	PYTHONPATH="$(CURDIR)$${PYTHONPATH:+:$$PYTHONPATH}" $(BIN)/python book/grading.py '$(FOLDER)'

bank: $(VENV)/installed  ## exercises that nobody has seen, and two exams: make bank SEED=7
	$(BIN)/python book/exams.py '$(SEED)'

slides: $(VENV)/installed  ## slides of the two-week course into _build/slides, and their notes
	$(BIN)/python book/slides.py

bench: $(VENV)/installed  ## speed against other libraries, as ratios measured in one run
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

gpu: $(VENV)/installed  ## check a GPU for an hour: tests, speed, what the tables cost, runs; and report
	$(BIN)/umixup gpu-check

release: $(VENV)/installed  ## wheel and sdist into dist/, checked as a reader gets them: contents, doctests
	rm -rf dist build umixup.egg-info
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/twine check --strict dist/*
	UMIXUP_DIST=dist $(BIN)/python -m pytest -m "not gpu" tests/test_release.py

serve:  ## serve the built site on http://localhost:8000
	@[ -e _build/html/index.html ] || { echo "there is no site yet: make book" >&2; exit 1; }
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

clean:  ## leave the checkout as cloned, but for your data/ and your own runs in results/
	@if [ -e $(VENV)/made-by-make ]; then rm -rf $(VENV); \
		elif [ -e $(VENV) ]; then echo "left alone: $(VENV), which make did not make"; fi
	rm -rf _build build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis umixup.egg-info
	rm -rf __pycache__ .ipynb_checkpoints
	find umixup tests book benchmarks notebooks recipes \
		\( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
