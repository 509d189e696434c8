# make remembers what is installed; the lines themselves work just as well by hand.

# The first Python on this machine that is new enough and can make a virtual environment.
PYTHON ?= $(shell for p in python3 /usr/bin/python3 python3.13 python3.12 python3.11 python3.10; do \
	$$p -c 'import ensurepip, sys; assert sys.version_info >= (3, 10)' 2>/dev/null && echo $$p && break; done)

.PHONY: help demo test check coverage bench pictures

help: ## list these targets
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 14

demo: .venv/installed ## replay a collapsing and a healthy run and serve them; Ctrl-C ends it
	@exec .venv/bin/llmtrain-exporter demo

test: .venv/installed-test check ## everything that must hold: lint, format, types, tests against real servers
	@scripts/real-tools promtool prometheus alertmanager amtool chromium
	.venv/bin/python -m pytest

check: .venv/installed-test ## lint, format and types only
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy

coverage: .venv/installed-test ## how much of the package the unit tests cover: half an hour
	CI=1 .venv/bin/python -m coverage run -m pytest -q -m 'not real'
	.venv/bin/python -m coverage combine --quiet
	.venv/bin/python -m coverage report

pictures: .venv/installed-test ## take the pictures in docs/ anew that show pages, watch and a report
	@scripts/real-tools chromium
	.venv/bin/python scripts/pictures

bench: .venv/installed ## speed and memory beside real peers
	@scripts/real-tools mtail prometheus
	.venv/bin/python -m benchmarks

.venv/installed: pyproject.toml
	@test -n '$(PYTHON)' || { echo 'Needs Python 3.10 or later with venv (Debian: apt-get install python3-venv), or make PYTHON=/path/to/python3'; exit 1; }
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --editable '.[all]'
	@touch $@

.venv/installed-test: .venv/installed
	.venv/bin/python -m pip install --quiet --editable '.[test]'
	@touch $@
