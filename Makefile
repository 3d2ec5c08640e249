# `make help` lists what there is. Everything lies in .venv; all data of the demo lies under UNBLEED_HOME (default: var/).
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin/python
PIP := $(VENV)/bin/pip install --quiet --disable-pip-version-check
# The versions of the lock files, checked by their hashes. `make setup LOCK=` takes the newest that pyproject.toml allows instead.
LOCK := yes
# Processes that the tests run in, each with a database and a product of its own.
JOBS ?= 2
CROWD_KIT := .venv-crowd-kit/bin/python
LABEL_STUDIO_VENV := .venv-label-studio
FORMATS_VENV := .venv-formats
MODELS_VENV := .venv-models
# Versions that work beside each other, and without torch: `datasets` from 4 on decodes by torchcodec, whose builds on PyPI want CUDA.
FORMATS_TOOLS := 'jams==0.3.5' 'praatio==6.2.2' 'pyannote.database==6.1.1' 'crowsetta==5.1.2' 'datasets[audio]==3.6.0' 'webdataset==1.0.2' 'pyarrow>=21' 'label-studio-sdk==2.1.2'
# Several OpenMP threads on a busy machine cost more than they give; workers and tests use one.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev lock browser node demo up test test-labelstudio test-formats test-models fuzz check format base study-grid bench bench-metrics bench-gate bench-active-testing bench-memory bench-base bench-separate bench-signals bench-figures bench-paper bench-queue bench-consensus bench-soak bench-evening bench-page bench-pages bench-uploads pictures drill clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.installed  ## make .venv, install what the lock files say (LOCK=: the newest), fetch Label Studio's editor
	@$(RUN) manage.py fetch_editor

$(VENV)/.installed: pyproject.toml requirements.lock torch.lock
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: set PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(if $(LOCK),$(PIP) --require-hashes --requirement requirements.lock)
	$(PIP) $(if $(LOCK),--no-build-isolation --constraint torch.lock) --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock $(VENV)/.installed
	$(if $(LOCK),$(PIP) --require-hashes --requirement requirements-dev.lock)
	$(PIP) $(if $(LOCK),--no-build-isolation --constraint torch.lock) --editable '.[dev]'
	@touch $@

setup-dev: setup $(VENV)/.installed-dev browser node node_modules/.installed

# $(call from_debian,program,packages,what is left out without it)
define from_debian
	@if ! command -v $(1) >/dev/null && command -v apt-get >/dev/null; then \
	  if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as=sudo; else \
	    echo "$(1) is not there and apt-get needs root: $(3) will be skipped (sudo apt-get install $(2))"; exit 0; fi; \
	  echo "Installing $(2) for $(3)"; \
	  $$as apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as apt-get install -y -qq --no-install-recommends $(2) >/dev/null || true; \
	fi
endef

lock: $(VENV)/.installed-dev  ## make the lock files anew, with the newest versions that pyproject.toml allows
	@$(RUN) -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	@$(RUN) -m deploy.lock

browser:
	$(call from_debian,chromium,chromium,browser tests)

node:
	$(call from_debian,npm,nodejs npm,checks and tests of the scripts)

# Developers' tools only: no page needs anything of it. Without npm the file is not made, and the checks say that they are skipped.
node_modules/.installed: package-lock.json | node
	@if command -v npm >/dev/null; then { npm ci --silent && touch $@; } || echo "npm could not install the tools that check the scripts"; fi

demo: setup  ## set up and run the loop on generated songs, then serve it (SONGS=DIR: on your own songs; LEADS=DIR: with these leads over them)
	@$(RUN) manage.py demo $(if $(SONGS),--songs "$(SONGS)") $(if $(LEADS),--leads "$(LEADS)") $(DEMO)

up: setup  ## serve what there is: web, workers and database until Ctrl-C
	@$(RUN) manage.py up

# Skipped with a word where node is absent; in CI that is a failure.
SKIP_SCRIPTS = { echo "skipped: the scripts' $(1), since node, npm or its packages are absent (apt-get install nodejs npm)"; [ "$$CI" != true ]; }

test: setup-dev  ## set up and pass the tests, browser tests included
	@if command -v node >/dev/null; then node --test --test-reporter=spec tests/js/*.test.js; else $(call SKIP_SCRIPTS,tests); fi
	@$(RUN) -m pytest --numprocesses $(JOBS) --dist loadfile $(TESTS)

fuzz: $(VENV)/.installed-dev  ## schemathesis with all checks at every endpoint of the API, as each role and by each kind of token, and bad requests to the other doors (half an hour; FUZZ_CASES=60)
	@$(RUN) -m pip install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5'
	@$(RUN) -m pytest -q -o faulthandler_timeout=0 tests/fuzz/endpoints.py tests/fuzz/unlisted.py

test-labelstudio: setup-dev  ## a real Label Studio 1.23.2, in an environment of its own (1 GB), with the product as its ML backend (some minutes)
	@test -n "$(LABEL_STUDIO)" -o -x $(LABEL_STUDIO_VENV)/bin/label-studio || { $(PYTHON) -m venv $(LABEL_STUDIO_VENV) && $(LABEL_STUDIO_VENV)/bin/pip install --quiet --disable-pip-version-check 'label-studio==1.23.2'; }
	@LABEL_STUDIO=$(or $(LABEL_STUDIO),$(CURDIR)/$(LABEL_STUDIO_VENV)/bin/label-studio) $(RUN) -m pytest -q -o faulthandler_timeout=0 tests/label_studio/with_real_server.py tests/label_studio/sdk_script.py

test-formats: setup-dev  ## every export read by the tools it is for, in an environment of their own (1 GB; some minutes)
	@test -n "$(FORMATS)" -o -e $(FORMATS_VENV)/.installed || { $(PYTHON) -m venv $(FORMATS_VENV) && $(FORMATS_VENV)/bin/pip install --quiet --disable-pip-version-check $(FORMATS_TOOLS) && touch $(FORMATS_VENV)/.installed; }
	@FORMATS=$(or $(FORMATS),$(CURDIR)/$(FORMATS_VENV)/bin/python) $(RUN) -m pytest -q -s -o faulthandler_timeout=0 tests/formats/with_their_tools.py

test-models: setup  ## checkpoints loaded by the projects that their architectures come from, and by onnxruntime, in an environment of their own (2 GB)
	@test -n "$(MODELS)" -o -e $(MODELS_VENV)/.installed || { $(PYTHON) -m venv $(MODELS_VENV) && $(MODELS_VENV)/bin/pip install --quiet --disable-pip-version-check --constraint torch.lock --editable '.[dev,models,onnx]' && touch $(MODELS_VENV)/.installed; }
	@$(or $(MODELS),$(MODELS_VENV)/bin/python) -m pytest -q -rs tests/learner/core/separators

check: setup-dev  ## format, lint, types, import contract
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@if [ -e node_modules/.installed ]; then node_modules/.bin/eslint . && node_modules/.bin/tsc -p .; else $(call SKIP_SCRIPTS,lint and types); fi
	@$(RUN) manage.py makemigrations --check --dry-run

format:  ## write the code the way `make check` wants it
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

study-grid: setup  ## simulate anew the crowds that the study designer goes by (some minutes)
	@$(RUN) -m annotation.core.study.grid

base: setup  ## train the base checkpoint that is shipped, from generated songs (about 10 minutes)
	@$(RUN) -m learner.core train

bench: setup  ## run the demo's two rounds without the platform, for seeds 1-5, and print what they changed
	@$(RUN) -m learner.core.bench.rounds --seeds 1 2 3 4 5

bench-metrics: setup  ## time our frame SDR beside museval's on a 3-minute stereo track (needs the extra `bench`)
	@$(RUN) -m learner.core.bench.metrics

bench-gate: setup  ## ten honest rounds that the gate should promote, and the poisoned ones that it must refuse (about 20 minutes)
	@$(RUN) -m learner.core.bench.gate

bench-active-testing: setup  ## how many clips kept apart the gate needs, drawn alike or by what seems to leak (a quarter of an hour; goes on where it stopped)
	@$(RUN) -m learner.core.bench.active_testing $(BENCH)

bench-memory: setup  ## train on 150 songs of 4 minutes and print the peak of memory
	@$(RUN) -m learner.core.bench.memory

bench-base: setup  ## fetch Spleeter's weights (73 MB, by hash) and measure them on your songs with stems, at both rates (SONGS=DIR)
	@for base in spleeter spleeter-22k; do $(RUN) -m learner.core fetch $$base || exit 1; done
	@$(RUN) -m learner.core evaluate "$(SONGS)" --checkpoint checkpoints/spleeter.safetensors --checkpoint checkpoints/spleeter-22k.safetensors

bench-separate: setup  ## speed of separation beside Open-Unmix on one core, and memory for 1 and 20 minutes (needs the extra `openunmix`)
	@$(RUN) -m learner.core.bench.separation

bench-signals: setup  ## what it costs to measure the signals that clips are chosen by, beside separation (a minute or two)
	@$(RUN) -m learner.core.bench.signals

bench-paper: setup  ## the paper's experiment on generated songs (half an hour; BENCH=--quick: 12 minutes; goes on where it stopped)
	@$(RUN) -m pip install --quiet --disable-pip-version-check 'matplotlib>=3.8'
	@$(RUN) -m learner.core bench paper --seeds 3 --out bench-paper $(BENCH)

bench-figures: setup  ## what one adaptation changes and costs: two bases, three seeds, generated songs (an hour or two; goes on where it stopped)
	@$(RUN) -m pip install --quiet --disable-pip-version-check 'matplotlib>=3.8'
	@$(RUN) -m learner.core bench figures --bases 2 --seeds 3 --out bench-figures $(BENCH)

bench-queue: setup  ## 50 annotators over HTTP on 1,000 and 100,000 tasks: nothing doubled or lost, latency, CPU a request (5 minutes)
	@$(RUN) -m pip install --quiet --disable-pip-version-check 'httpx>=0.27'
	@$(RUN) -m deploy.load.annotators $(BENCH)

bench-consensus: setup  ## simulated crowds understood by majority, by ours and by crowd-kit, which gets an environment of its own (CROWD_KIT=: leave it out)
	@$(if $(CROWD_KIT),test -x $(CROWD_KIT) || { $(PYTHON) -m venv .venv-crowd-kit && $(CROWD_KIT) -m pip install --quiet --disable-pip-version-check 'crowd-kit==1.4.2'; })
	@$(RUN) -m annotation.core.bench $(if $(CROWD_KIT),--crowd-kit $(CROWD_KIT)) $(BENCH)

bench-soak: setup  ## 40 small rounds in one GPU worker, and its memory after each (a quarter of an hour)
	@$(RUN) -m deploy.load.soak $(BENCH)

bench-evening: setup-dev  ## an hour of one person at two browsers on a bad network: no mark lost, no answer doubled (BENCH="--minutes 5")
	@$(RUN) -m tests.browser.evening $(BENCH)

bench-pages: setup-dev  ## every page of a campaign of 1,000 people, 100,000 clips, 1,000,000 marks and 30 rounds: milliseconds, questions, bytes (9 minutes)
	@$(RUN) -m tests.scale.bench_pages $(BENCH)

bench-uploads: setup-dev  ## 20 songs of 100 MB brought by a browser that is killed to a web process that is killed (BENCH="--files 3 --megabytes 20")
	@$(RUN) -m tests.browser.bench_uploads $(BENCH)

pictures: setup-dev  ## take the pictures of docs/first-campaign.md anew, of the demo and of a new campaign (5 minutes)
	@$(RUN) -m tests.browser.pictures

bench-page: setup-dev  ## the annotate page: first visit on a slow line, main thread while it plays, submit to next clip, memory, a practised hand (BENCH="--clips 100")
	@$(RUN) -m tests.browser.bench_page $(BENCH)

drill: setup  ## faults of disk and database under a crowd and a job, on both servers (half an hour; DRILL="--quick --only stopped --server embedded")
	@$(RUN) -m pip install --quiet --disable-pip-version-check 'httpx>=0.27'
	@$(RUN) -m deploy.drill $(DRILL)

clean:  ## remove what can be made again; data under var/ stays
	rm -rf $(VENV) node_modules build *.egg-info .pytest_cache .mypy_cache .ruff_cache
