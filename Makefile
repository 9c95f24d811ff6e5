# Two commands: `make screen` and `make test`. Python 3.11 or 3.12 is all that must be there.

VENV := .venv
RUN := out/demo
# a command may be there and not work (version managers leave shims): the first that answers is taken
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' >/dev/null 2>&1; \
	then command -v $$p; break; fi; done)
TAG = $(shell $(VENV)/bin/python -c 'import sys; print("py%d%d" % sys.version_info[:2])')
PIP = -m pip install --quiet --disable-pip-version-check -c constraints/$(TAG).txt

.PHONY: screen test lint typecheck wheel sdist wheel-test sdist-test release docs unit clean

screen: $(VENV)/.installed
	$(VENV)/bin/extractor screen corpora/demo/notes.csv --trial NCT07016230 \
		--index-date corpora/demo/index_dates.csv --out $(RUN)

# the closing line of pytest comes last
test: lint typecheck wheel-test unit

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check extractor tests

typecheck: $(VENV)/.dev
	$(VENV)/bin/mypy --follow-imports=silent extractor

unit: $(VENV)/.dev
	$(VENV)/bin/python -m pytest -n 2 --dist loadgroup -rs -m "not wheel"

wheel sdist: $(VENV)/.dev
	rm -rf build/$@ && $(VENV)/bin/python -m build --$@ --outdir build/$@ . >/dev/null

# what is delivered, alone, in an environment of its own, from a folder without the sources
wheel-test: wheel
sdist-test: sdist
wheel-test sdist-test: %-test:
	rm -rf build/fresh-$* build/away-$* && $(VENV)/bin/python -m venv build/fresh-$* && mkdir -p build/away-$*
	build/fresh-$*/bin/python $(PIP) build/$*/trial_extractor-* pytest
	@for part in pyspark py4j; do ln -sfn "$$($(VENV)/bin/python -c "import $$part; print($$part.__path__[0])")" \
		"$$(build/fresh-$*/bin/python -c 'import site; print(site.getsitepackages()[0])')/$$part"; done
	cp -r tests corpora pyproject.toml build/away-$*/
	cd build/away-$* && ../fresh-$*/bin/python -P -m pytest -m wheel -p no:cacheprovider tests/test_packaging.py

release: wheel-test sdist-test docs

# the pages of docs/ as a site that any browser opens from the disk; a link that leads nowhere is an error
docs: $(VENV)/.docs
	rm -rf build/site && $(VENV)/bin/python -m sphinx -W --keep-going -n -q -d build/doctrees docs build/site
	@echo build/site/index.html

$(VENV)/bin/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "No working Python 3.11 or 3.12 was found (tried python3.12, python3.11, python3, python)."; \
		echo "Install one, or name it: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; fi
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
		{ echo "$(PYTHON) is not Python 3.11 or 3.12."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "The environment could not be made: is the venv module installed (Debian: python3-venv)?"; exit 1; }

$(VENV)/.installed: pyproject.toml $(wildcard constraints/*.txt) | $(VENV)/bin/python
	@echo "Installing into $(VENV) (a few minutes the first time) ..."
	$(VENV)/bin/python $(PIP) -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.installed
	$(VENV)/bin/python $(PIP) -e ".[dev,sql,review,spark,docs]"
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(VENV)/bin/python $(PIP) -e ".[docs]"
	@touch $@

clean:
	rm -rf $(VENV) build out dist
