# Everything happens in .venv; each target installs what it needs first.
PYTHON ?= python3
BIN := .venv/bin
RUN := runs/demo

.PHONY: demo test test-slow check bench clean

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -e ".[dev]"
	@touch $@

demo: .venv/installed  ## The main job on the samples: LMDB, training, evaluation, reading
	rm -rf $(RUN)
	$(BIN)/python tools/create_lmdb.py --labels data/samples/train.tsv --output $(RUN)/train.lmdb
	$(BIN)/python tools/create_lmdb.py --labels data/samples/labels.tsv --output $(RUN)/words.lmdb
	$(BIN)/python train.py --config data/samples/demo.yaml --set data.train=$(RUN)/train.lmdb \
		--output $(RUN)/training
	$(BIN)/python evaluate.py --weights $(RUN)/training/best.safetensors --data $(RUN)/words.lmdb \
		--lexicon none --lexicon data/samples/lexicon_50.txt
	$(BIN)/grcnn-ocr read --weights $(RUN)/training/best.safetensors 'data/samples/words/000*.jpg'
	@echo "The same under the released weights:"
	$(BIN)/python evaluate.py --lexicon none --lexicon lexicon_50.txt
	$(BIN)/grcnn-ocr read 'data/samples/words/000*.jpg'

test: .venv/installed  ## Every test but the slow ones
	$(BIN)/python -m pytest

test-slow: .venv/installed  ## The tests that take minutes
	$(BIN)/python -m pytest -m slow

check: .venv/installed  ## Style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed  ## Measurements, printed as Markdown
	$(BIN)/python benchmarks/throughput.py

clean:
	rm -rf .venv runs
