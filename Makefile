# `make run` and `make test` set up all they need on a machine with git, make and Python 3.11 or newer.
#   make run     open the window with the sample tomogram; without a screen, segment it into out/
#   make test    all tests          make lint    ruff, deptry     make types   mypy
#   make handover-test   files for other programs, read by these programs themselves: they are large
#   make cluster-test   batches and a training on a real SLURM of this machine, as root
#   make fuzz    strangers' files by the hundred, made of good ones: CASES, SEED, READERS
#   make bench   speed and memory   make lock, lock-check   write and check the lock files
#   make site    the documentation as a web site into build/site      make pages   its parts that the program makes
#   make screenshots   drive the window through its work and draw the pictures of the documentation
#   make installer   packages for Linux into dist/       make installer-test   try them in bare Debians, as root
#   make clean-machine-test   `make run` and `make test` in a bare Debian 12, as root: a part of installer-test
#   make installer-cuda   the package for NVIDIA's cards: 1.6 GB, from NVIDIA's wheels, under NVIDIA's terms
#   make installer-windows-test   try the installer for Windows under Wine, with stubs of the program
# PYTHON=/path/to/python chooses the interpreter; OUT=folder the folder for `make run` without a screen;
# ARGS="tests/io -k zarr" the tests; JOBS=1 runs them one after another, not on all processors (at most 4).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

VENV := .venv
PY := $(VENV)/bin/python
OUT := out
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(PY) -m pip --quiet

# Tests run in so many processes at once, whole files in each.
JOBS := $(shell n=$$(nproc 2>/dev/null || sysctl -n hw.logicalcpu 2>/dev/null || echo 1); echo $$((n < 4 ? n : 4)))

# Off-screen OpenGL for the pictures; the tests of windows need a virtual screen as well.
GL_PACKAGES := libgl1 libegl1 libgl1-mesa-dri
# The window on X11; the rest of Qt comes in its wheel. shared-mime-info brings GLib, whose name differs.
GUI_PACKAGES := $(GL_PACKAGES) libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 \
  libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 fonts-dejavu-core \
  shared-mime-info
TEST_PACKAGES := $(GUI_PACKAGES) xvfb xauth povray
# Programs to which files are handed over, and which run without a window (`make handover-test`).
CLUSTER_PACKAGES := slurm-wlm munge gcc libc6-dev
HANDOVER_PACKAGES := octave imagej default-jre-headless blender python3-numpy

# What the installer is built with; Qt's libraries for X11 are put into it. The others try it in bare systems.
INSTALLER_PACKAGES := $(GUI_PACKAGES) libxcb-util1 binutils makeself zstd dpkg-dev libpython3-dev
INSTALLER_TEST_PACKAGES := debootstrap xvfb xdg-utils xdotool tesseract-ocr tesseract-ocr-eng binutils gcc libglib2.0-bin
WINDOWS_TEST_PACKAGES := nsis wine64

# A virtual screen with software OpenGL for windows, where there is xvfb-run; the same for everybody.
SCREEN = $(if $(shell command -v xvfb-run),env -u WAYLAND_DISPLAY QT_QPA_PLATFORM=xcb LIBGL_ALWAYS_SOFTWARE=1 \
  xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX")

.PHONY: help run test handover-test cluster-test lint types bench fuzz screenshots site pages lock lock-check clean \
  installer installer-cuda installer-test clean-machine-test installer-windows-test system-installer system-run system-test system-cluster system-handover

help:
	@sed -n '2,15s/^# \{0,1\}//p' Makefile

run: $(VENV)/.base system-run
	@if [ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ] || [ "$$(uname -s)" = Darwin ]; then \
	  exec $(PY) -m sxtstudio gui resources/sample.tif; \
	else \
	  echo "There is no screen here, so the sample is segmented without a window."; \
	  exec $(PY) -m sxtstudio demo -o "$(OUT)"; \
	fi

# Python keeps what it has compiled, whatever the environment says: tests start it a hundred times and more.
test: $(VENV)/.dev system-test
	@unset PYTHONDONTWRITEBYTECODE; $(SCREEN) $(PY) -m pytest $(if $(filter-out 0 1,$(JOBS)),-n $(JOBS) --dist loadfile --max-worker-restart 0) $(ARGS)

# The same tests, those that are marked "handover"; what is not installed is skipped, and said.
handover-test: $(VENV)/.handover system-test system-handover
	@$(SCREEN) $(PY) -m pytest -m handover -rs $(ARGS)

# Batches and a training on a real SLURM of this machine, as root; what is not there is skipped, and said.
cluster-test: $(VENV)/.dev system-test system-cluster
	@$(PY) -m pytest -m cluster -rs tests/cluster/slurm $(ARGS)

screenshots: $(VENV)/.dev system-test
	@$(SCREEN) $(PY) docs/screenshots.py

# Dead links and anchors, and pages that no contents name, end it.
site: $(VENV)/.docs system-run
	@PYTHONPATH=. NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict
	@$(PY) docs/check_site.py build/site

pages: $(VENV)/.dev system-run
	@PYTHONPATH=. $(PY) docs/pages.py

lint: $(VENV)/.dev
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m deptry --no-ansi sxtstudio bench docs

types: $(VENV)/.dev
	@$(PY) -m mypy

bench: $(VENV)/.dev system-test
	@$(SCREEN) $(PY) -m bench $(TOPICS)

# Not a part of the tests: it takes half an hour, and finds something else each time.
fuzz: $(VENV)/.dev
	@PYTHONPATH=. $(PY) tests/fuzz/run.py bombs
	@PYTHONPATH=. $(PY) tests/fuzz/run.py fuzz $(READERS) $(if $(CASES),--cases $(CASES)) $(if $(SEED),--seed $(SEED))

# After a change of what pyproject.toml needs; of what is pinned, only what it says stays or goes.
lock: $(VENV)/.dev
	@$(PY) installer/lock.py

lock-check: $(VENV)/.dev
	@$(PY) -m pip check
	@$(PY) installer/lock.py --check

# The packages for Linux, by PyInstaller in an environment of its own: installer/README.md.
BUILD := build/installer
installer: $(BUILD)/venv/.done system-installer
	@echo "Building the program's folder (some minutes) ..."
	@$(BUILD)/venv/bin/python -m PyInstaller --noconfirm --log-level WARN \
	  --workpath $(BUILD)/work --distpath $(BUILD)/dist installer/bundle.spec
	@echo "Building the packages ..."
	@$(BUILD)/venv/bin/python installer/linux/package.py $(BUILD)/dist/sxtstudio dist
	@echo "Building the package for retraining ..."
	@$(BUILD)/venv/bin/python installer/add_on.py retrain $(BUILD)/sxtstudio-retrain
	@$(BUILD)/venv/bin/python installer/linux/package_add_on.py retrain $(BUILD)/sxtstudio-retrain dist

# Not a part of `make installer`, and never of CI: 1.6 GB, and not ours to hand on without thought.
installer-cuda: $(BUILD)/venv/.done system-installer
	@echo "Building the package for NVIDIA's cards ..."
	@$(BUILD)/venv/bin/python installer/add_on.py cuda $(BUILD)/sxtstudio-cuda
	@$(BUILD)/venv/bin/python installer/linux/package_add_on.py cuda $(BUILD)/sxtstudio-cuda dist $(ARGS)

# Without ARGS="run trixie" or the like also `make run` and `make test` on a clean machine, which takes longest.
installer-test: $(VENV)/.base system-installer system-installer-test
	@$(PY) installer/linux/test.py dist $(ARGS)
	$(if $(ARGS),,@$(PY) installer/linux/clean_machine.py)

# ARGS="tests/core -k box" are the tests that are run there.
clean-machine-test: system-installer-test | $(PY)
	@$(PY) installer/linux/clean_machine.py $(ARGS)

# What is missing for it is said, and then it is skipped.
installer-windows-test: system-installer-windows-test | $(PY)
	@$(PY) installer/windows/test.py $(ARGS)

$(BUILD)/venv/.done: requirements.lock requirements-cluster.lock requirements-installer.lock pyproject.toml | $(PY)
	@echo "Installing PyInstaller and SXT Studio into $(BUILD)/venv ..."
	@$(PY) -m venv $(BUILD)/venv
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BUILD)/venv/bin/python -m pip --quiet install --no-deps \
	  -r requirements.lock -r requirements-cluster.lock -r requirements-installer.lock
	@PIP_DISABLE_PIP_VERSION_CHECK=1 $(BUILD)/venv/bin/python -m pip --quiet install --no-deps --no-build-isolation -e .
	@touch $@

clean:
	rm -rf $(VENV) *.egg-info .mypy_cache .ruff_cache .pytest_cache

# --no-deps: what is not in the lock file is not installed; pip check then says what is missing.
$(VENV)/.base: requirements.lock pyproject.toml | $(PY)
	@echo "Installing SXT Studio into $(VENV) ..."
	@$(PIP) install --no-deps -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(PY) -m pip check
	@touch $@

# PyTorch for processors: on Linux its wheel is in an index of its own, where no other has it.
TORCH := install --no-deps -r requirements-retrain.lock
$(VENV)/.dev: requirements-dev.lock requirements-retrain.lock requirements-cluster.lock $(VENV)/.base
	@echo "Installing PyTorch and the tools for tests into $(VENV) ..."
	@$(PIP) install --no-deps -r requirements-dev.lock -r requirements-cluster.lock
	@$(PIP) $(TORCH) 2>/dev/null || $(PIP) $(TORCH) --extra-index-url https://download.pytorch.org/whl/cpu
	@$(PY) -m pip check
	@touch $@

$(VENV)/.docs: requirements-docs.lock $(VENV)/.dev
	@echo "Installing the tools for the documentation into $(VENV) ..."
	@$(PIP) install --no-deps -r requirements-docs.lock
	@$(PY) -m pip check
	@touch $@

$(VENV)/.handover: requirements-handover.lock $(VENV)/.dev
	@echo "Installing readers of other programs into $(VENV) ..."
	@$(PIP) install --no-deps --no-build-isolation -r requirements-handover.lock
	@touch $@

$(PY):
	@try() { command -v "$$1" >/dev/null && \
	  "$$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }; \
	for python in $(if $(PYTHON),"$(PYTHON)",python3.13 python3.12 python3.11 python3); do \
	  if try "$$python"; then exec "$$python" -m venv $(VENV); fi; \
	done; \
	echo "SXT Studio needs Python 3.11 or newer with venv$(if $(PYTHON),$(comma) and $(PYTHON) is not that,).\
	 On Debian or Ubuntu: sudo apt-get install -y python3 python3-venv" >&2; \
	exit 1

# $(call debian,packages): installs what is missing as root, else says what to run, and goes on.
define debian
@command -v dpkg-query >/dev/null || exit 0; \
missing=""; \
for package in $(1); do \
  dpkg-query -W -f='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=" $$package"; \
done; \
[ -n "$$missing" ] || exit 0; \
if [ "$$(id -u)" = 0 ]; then \
  echo "Installing Debian packages:$$missing"; \
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } && exit 0; \
fi; \
echo "For $(or $(2),pictures without a screen), please run:  sudo apt-get install -y$$missing" >&2
endef
comma := ,

system-run:
	$(call debian,$(GUI_PACKAGES))

system-test:
	$(call debian,$(TEST_PACKAGES))

system-installer:
	$(call debian,$(INSTALLER_PACKAGES),the installer)

system-installer-test:
	$(call debian,$(INSTALLER_TEST_PACKAGES),tests of the installer)

system-installer-windows-test:
	$(call debian,$(WINDOWS_TEST_PACKAGES),tests of the installer for Windows)

system-cluster:
	$(call debian,$(CLUSTER_PACKAGES),tests with SLURM)

system-handover:
	$(call debian,$(HANDOVER_PACKAGES),tests with other programs)
