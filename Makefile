# All targets use .venv and first install what they need in it.
PYTHON ?= python3
BIN := .venv/bin
RUN := runs/demo

.PHONY: demo test test-slow check bench clean

.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -e ".[dev]"
	@touch $@

demo: .venv/installed  ## The main job on the samples: reading, evaluation, LMDB, a short fine-tuning
	rm -rf $(RUN)
	@echo "--- reading sample crops with the released weights"
	$(BIN)/grcnn-ocr read 'data/samples/00000000*.jpg'
	@echo "--- the same in letters and digits without case"
	$(BIN)/grcnn-ocr read --charset alnum36 'data/samples/00000000*.jpg'
	@echo "--- accuracy without a lexicon, and with a list of 50 words per crop"
	$(BIN)/python evaluate.py --lexicon none --lexicon lexicon_50.txt
	@echo "--- building an LMDB of the crops, and a minute of fine-tuning on three quarters of it"
	$(BIN)/python tools/create_lmdb.py --labels data/samples/labels.tsv --output $(RUN)/words.lmdb
	$(BIN)/python train.py --config grcl_lstm_tiny.yaml --init grcl_lstm_tiny --set data.train=$(RUN)/words.lmdb \
		--set data.holdout=0.25 --set train.time_budget=60s --set train.lr=3e-4 --output $(RUN)/training
	$(BIN)/grcnn-ocr read --weights $(RUN)/training/best.safetensors 'data/samples/00000000*.jpg'

test: .venv/installed  ## All tests except the slow ones
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

test-slow: .venv/installed  ## The tests that take minutes
	$(BIN)/python -m pytest -m slow

check: .venv/installed  ## Style, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/installed  ## Measurements, printed as Markdown
	$(BIN)/python benchmarks/train_throughput.py
	$(BIN)/python benchmarks/synth.py

clean:
	rm -rf .venv runs
