# make demo   a JupyterLab with the first call
# make test   everything that CI runs
# make check  the same without installing Chromium and coturn; its pieces: lint types js py (unit loopback kernel pages
#             browser turn)

VENV := .venv
BIN := $(VENV)/bin
# The first Python that is new enough; `make PYTHON=...` overrides it.
PYTHON ?= $(shell for name in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
JS_SOURCES := $(shell find js/src -type f) js/build.mjs js/workers.mjs js/package.json
BUNDLE := src/nbrtc/static/widget.js
NODE_MODULES := js/node_modules/.package-lock.json
PYTEST := $(BIN)/python -m pytest
# A test that hangs ends by itself (tests/watchdog.py); whatever else does not is ended from without where CI runs it.
LIMIT := $(if $(CI),$(if $(shell command -v timeout),timeout -s INT -k 60 1800))
# Calls, browsers and relays run in real time, on a machine whose others CI does not know: what fails there is tried once
# more where CI runs it, and the summary names it (RERUN). Not so here, and never with what only computes.
REAL_TIME := loopback kernel pages browser turn
RETRY = $(if $(CI),$(if $(filter $@,$(REAL_TIME)),--reruns 1))
PAGES := $(addprefix tests/browser/,test_mesh.py test_tap.py test_guest_page.py test_guest_recording.py test_saving.py \
	test_dumps.py test_effect_pictures.py test_camera_effects.py test_hidden_tab.py test_person.py \
	test_sound.py)
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)
step = @printf '\n==> %s\n' "$(1)"

.PHONY: demo test check beside small lint types js py unit loopback kernel pages browser turn chromium coturn soak bench dist clean
ifndef TOGETHER
.NOTPARALLEL:
endif

demo: .make/demo $(BUNDLE)
	$(BIN)/jupyter lab $(AS_ROOT) notebooks/01-first-call.ipynb

test: chromium coturn check
	$(call step,all tests passed)

# In stages, each of which fills two cores by itself: calls and processes, which mostly wait, and beside them what only
# computes; pages, and beside them the many small tests, in the time that they leave; the notebooks. Each one's output
# stays together.
check: .make/test $(NODE_MODULES) $(BUNDLE)
	@$(MAKE) --no-print-directory TOGETHER=1 -j4 --output-sync=target loopback kernel turn beside
	@$(MAKE) --no-print-directory TOGETHER=1 -j2 --output-sync=target pages small
	@$(MAKE) --no-print-directory browser

beside:
	@nice -n 19 $(MAKE) --no-print-directory TOGETHER= lint types js

small:
	@nice -n 10 $(MAKE) --no-print-directory unit

# --- the pieces -----------------------------------------------------------------------------------------

lint: .make/test $(NODE_MODULES)
	$(call step,lint: ruff and biome)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	cd js && npm run --silent lint

types: .make/test $(NODE_MODULES)
	$(call step,types: mypy and tsc)
	$(BIN)/mypy
	cd js && npm run --silent types

js: $(NODE_MODULES)
	$(call step,js: vitest)
	cd js && npm run --silent test

py: unit loopback kernel pages browser turn

# A process for each folder: Playwright keeps an event loop running that asyncio tests would collide with. Most calls
# wait more than they compute, so three processes share them; two browsers share the notebooks, a file each.
loopback: OPTIONS := -n 3
unit: OPTIONS := -n 2
browser: OPTIONS := -n 2 --dist loadfile $(addprefix --ignore=,$(PAGES))
unit loopback kernel browser turn: .make/test $(BUNDLE)
	$(call step,$@: pytest tests/$@)
	$(LIMIT) $(PYTEST) tests/$@ $(OPTIONS) $(RETRY)

# Browser tests without a notebook: light enough to run beside the others.
pages: .make/test $(BUNDLE)
	$(call step,pages: pytest $(PAGES))
	$(LIMIT) $(PYTEST) $(PAGES) $(RETRY)

chromium:
	$(call step,Chromium for the browser tests)
	@tools/chromium.sh

coturn:
	$(call step,coturn for the tests with TURN servers)
	@tools/coturn.sh

soak: .make/test $(BUNDLE)
	$(PYTEST) tests --ignore=tests/turn -m soak --timeout 3600
	$(PYTEST) tests/turn -m soak

bench: .make/test $(BUNDLE)
	$(BIN)/python -m benchmarks

dist: .make/test $(BUNDLE)
	$(BIN)/python -m build

# --- set-up, each step once until its inputs change -----------------------------------------------------

.make/python:
	$(call step,Python environment in $(VENV))
	@[ -n "$(PYTHON)" ] || { echo "nbrtc needs Python 3.11 or newer, and none is in PATH: install it, or run make PYTHON=/path/to/python3."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p .make && touch $@

# The bundle comes first, so that the build hook finds it and pip has nothing to build.
.make/demo .make/test: .make/python pyproject.toml hatch_build.py | $(BUNDLE)
	$(call step,pip install -e .[$(notdir $@)])
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(notdir $@)]'
	@touch $@

$(NODE_MODULES): js/package.json js/package-lock.json
	$(call step,npm ci)
	@command -v npm >/dev/null || { echo "nbrtc is built with Node 20 or newer, and npm is not in PATH: install Node from your system or nodejs.org."; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "nbrtc is built with Node 20 or newer, and this is $$(node --version): install a newer one."; exit 1; }
	cd js && npm ci --no-audit --no-fund
	@touch $@

$(BUNDLE): $(JS_SOURCES) $(NODE_MODULES)
	$(call step,the page: npm run build)
	cd js && npm run --silent build

clean:
	rm -rf $(VENV) .make js/node_modules src/nbrtc/static/*.js src/nbrtc/static/*.css src/nbrtc/static/*.html dist artifacts \
		.pytest_cache .mypy_cache .ruff_cache .hypothesis
