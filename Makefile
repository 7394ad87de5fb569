# Works without root: everything lands in .venv, build/ and the cache ($TINYALM_CACHE).
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DEMO := build/demo
STUDENT := micro
WEB := runtimes/web
LABELS := "cat meowing,cow mooing,dog barking,duck quacking,frog croaking,horse neighing,owl hooting,pig oinking,rooster crowing,sheep bleating,rainforest,droning tone,ambient music,train passing"
.DEFAULT_GOAL := help
.PHONY: help setup demo student test page web lint bench bench-frontend bench-index bench-listen clean

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/ready ## Install everything into .venv

$(VENV)/ready: pyproject.toml constraints.txt setup.py $(wildcard runtimes/native/*.py runtimes/native/*/*.h runtimes/native/src/*.cpp)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tinyalm needs Python 3.11 or later: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: setup ## Distil, export, quantize and run a student on real sounds (about 6 minutes)
	$(BIN)/tinyalm distill pull yamnet-minilm demo-sounds
	@$(MAKE) --no-print-directory $(DEMO)/student/student.json
	$(BIN)/tinyalm export $(DEMO)/student --captioner micro --out $(DEMO)/student-fp32.tinyalm
	$(BIN)/tinyalm export $(DEMO)/student --captioner micro --out $(DEMO)/student-int8.tinyalm \
	  --precision int8
	@echo "Clips that the student never saw:"
	$(BIN)/tinyalm distill cut asset:demo-sounds --split dev --out $(DEMO)/clips > $(DEMO)/clips.txt
	$(BIN)/tinyalm tag $(DEMO)/clips --bundle $(DEMO)/student-int8.tinyalm --top-k 2 --labels $(LABELS)
	$(BIN)/tinyalm caption $(DEMO)/clips --bundle $(DEMO)/student-int8.tinyalm
	$(BIN)/tinyalm eval report --manifest asset:demo-sounds --split dev --title "The demo's student" \
	  --bundle $(DEMO)/student-fp32.tinyalm --bundle $(DEMO)/student-int8.tinyalm \
	  --checkpoint $(DEMO)/student --picture $(DEMO)/clips/dog-3.9s.wav \
	  --picture $(DEMO)/clips/train-84s.wav --out $(DEMO)
	@echo
	@echo "Made: $(DEMO)/report.md (table and pictures), two bundles and a checkpoint beside it."
	@echo "Next: $(BIN)/tinyalm tag YOUR.wav --bundle $(DEMO)/student-int8.tinyalm --labels 'dog barking,rain,speech'"

$(DEMO)/student/student.json:
	$(BIN)/tinyalm distill run distill/recipes/demo.yaml --out $(DEMO)/student --resume

student: setup ## Distil STUDENT (micro, small or nano) from DATA (a folder like the development data)
	$(BIN)/tinyalm distill pull yamnet-minilm
	$(BIN)/tinyalm distill gather distill/recipes/debian-sounds.json --out build/debian-sounds \
	  --leave-out $(DATA)/corpus/manifest.csv --leave-out $(DATA)/more/manifest.csv
	@$(MAKE) --no-print-directory build/$(STUDENT)/student.json build/captioner/captioner.json
	$(BIN)/tinyalm export build/$(STUDENT) --captioner build/captioner \
	  --out build/$(STUDENT).tinyalm --precision int8
	$(BIN)/tinyalm distill background build/$(STUDENT).tinyalm $(DATA)/corpus/manifest.csv \
	  --split train --rows 500

build/nano/student.json: build/micro/student.json
build/%/student.json:
	$(BIN)/tinyalm distill run distill/recipes/$*.yaml --out $(@D) --resume --set \
	  data.manifests='[$(DATA)/corpus/manifest.csv, $(DATA)/more/manifest.csv, build/debian-sounds/manifest.csv]' \
	  --set data.texts='[$(DATA)/captions/audiocaps_train.txt]'

build/captioner/captioner.json:
	$(BIN)/tinyalm distill caption distill/recipes/captioner.yaml --out $(@D) --resume --set \
	  data.texts='[$(DATA)/captions/audiocaps_train.txt]' --set \
	  data.leave_out='[$(DATA)/captions/audiocaps_val.txt, $(DATA)/captions/audiocaps_test.txt]'

test: setup lint page ## Run all checks: ruff, mypy, import-linter, pytest; the page's where node is
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile \
	  --no-loadscope-reorder

page: ## Check and build the browser package and its page, where node and npm are there
	@if ! command -v npm > /dev/null; then echo "page skipped: node and npm are not installed"; \
	elif ! $(MAKE) --no-print-directory $(WEB)/node_modules/ready; then \
	  echo "page skipped: npm cannot install its packages"; \
	else cd $(WEB) && npm run --silent check && npm run --silent build && npm run --silent page; fi

$(WEB)/node_modules/ready: $(WEB)/package-lock.json
	cd $(WEB) && npm install --no-save --no-audit --no-fund
	@touch $@

web: setup page ## Build the page and test it under node and in Chromium, where they are there
	$(BIN)/python -m pytest tests/runtimes/test_web.py tests/runtimes/test_web_page.py \
	  tests/export/test_web_folder.py tests/cli/test_serve.py

lint: setup ## Run ruff, clang-format, mypy and import-linter
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files '*.c' '*.cpp' '*.cu' '*.h')
	$(BIN)/mypy
	$(BIN)/lint-imports

bench-frontend: setup ## Time the log-mel front end against its peers (installs them)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	$(BIN)/python benchmarks/frontend.py --png docs/front-end-benchmark.png

bench-index: setup ## Measure the index at 100,000 segments
	$(BIN)/python benchmarks/index.py

bench-listen: setup ## Measure an hour of listening
	$(BIN)/python benchmarks/listen.py --hours 1

bench: setup ## Time tagging against the peers and as a whole process (installs them)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	$(BIN)/tinyalm distill pull yamnet-minilm
	$(BIN)/python benchmarks/peers.py $(BUNDLES) --png docs/peers.png
	$(BIN)/python benchmarks/tag_process.py $(BUNDLES)

clean: ## Remove what make built (not the cache)
	rm -rf build dist $(VENV)
