# make demo   see the dashboard on a recording, no cluster needed
# make test   everything that CI runs; the first run builds real Kubernetes components (minutes), later ones reuse them
# make check  the same without real components: under a minute
# make test-versions    the scenarios on other releases of Kubernetes, each built on first use (minutes)
# make test-gpu         sampler and slices on this machine's GPU beside nvidia-smi; says so where there is none
# make cluster          a real control plane with every scenario, until ctrl-c; RELEASE=v1.33.13 for another release
# make agree  N pods (1000) by chance on the real scheduler, each beside our verdict; SEED=… for the same ones again,
#             RELEASE=v1.37.1 for another release
# make test-faults      the faults of tests/faults for as long as they last in life: an hour
# make demo-recording   record the demo anew from the real control plane
# make version-recordings    record anew what an old release says
# make screenshots      draw the pictures anew from the demo recording
# make bench            the performance table: each number beside its goal

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/.dashboard
DEV := $(VENV)/.dev
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
# Tests start agents and commands by the hundred, each of which would be compiled anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check agree test-faults test-versions test-gpu cluster demo-recording version-recordings screenshots bench system-packages clean

demo: $(RUN)
	$(BIN)/dratui demo

test-faults: $(DEV) system-packages
	$(BIN)/pytest tests/faults --full-time

test: $(DEV) system-packages static parts
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder --reruns 1 --rerun-show-tracebacks

check: $(DEV) static
	$(BIN)/pytest -n 4 -m 'not realparts' --hypothesis-profile sample

.PHONY: parts
parts: $(DEV)
	$(BIN)/python -m tests.realparts

.PHONY: static
static: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test-versions: $(DEV)
	$(BIN)/pytest tests/versions -o 'python_files=test_*.py on_*.py'

test-gpu: $(DEV)
	$(BIN)/pytest tests/gpu -o 'python_files=on_*.py'

cluster: $(DEV)
	$(BIN)/python -m tests.realparts.cluster $(RELEASE)

agree: $(DEV)
	@$(BIN)/python -m tests.agreement $(or $(N),1000) $(SEED) $(addprefix --release=,$(RELEASE))

demo-recording: $(DEV)
	$(BIN)/python -m tests.realparts.demo dratui/demo.rec

version-recordings: $(DEV)
	$(BIN)/python -m tests.versions.record

screenshots: $(DEV)
	$(BIN)/python -m tests.screenshots

bench: $(DEV)
	$(BIN)/python -m tests.bench

system-packages:
	@$(PYTHON) tests/system_packages.py

$(RUN): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(DEV): $(RUN) agent/pyproject.toml
	$(BIN)/python -m pip install --quiet --editable ./agent --group dev
	touch $@

clean:
	rm -rf $(VENV)
