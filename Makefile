# make quickstart   installs what is missing, builds, runs a real search of at most 5 minutes
# make test         the same, then the tests        make test-long   the slow suites too
# make test-crashes what a crash can cost, at full size
# make build        the release binary              make format      the source in the project's style
SWIFT ?= swift
HALCYON := .build/release/halcyon
PACKAGES := libopenblas-dev libhdf5-dev libsqlite3-dev libdnnl-dev libspng-dev libturbojpeg0-dev libtiff-dev libmatio-dev pkg-config libgcc-12-dev
RUNS ?= runs
QUICKSTART := Experiments/quickstart/experiment.yaml

.PHONY: quickstart test test-long test-crashes build setup format clean

quickstart: build
	@if [ -f $(RUNS)/quickstart/study.sqlite ]; then $(HALCYON) resume $(RUNS)/quickstart; \
	else $(HALCYON) search $(QUICKSTART) --out $(RUNS)/quickstart; fi
	@cd $(RUNS)/quickstart && { [ -f references/dncnn8x32/result.json ] || $(CURDIR)/$(HALCYON) train \
		$(CURDIR)/SearchSpaces/references/dncnn8x32.yaml --experiment $(CURDIR)/$(QUICKSTART) --out references/dncnn8x32 \
		$$([ ! -f references/dncnn8x32/checkpoint.h5 ] || echo --resume); }
	@$(HALCYON) pareto $(RUNS)/quickstart > /dev/null
	@echo "the picture: $(RUNS)/quickstart/front.svg (the star is DnCNN of 8 layers and 32 channels, trained the same way)"

build: setup
	$(SWIFT) build -c release --product halcyon

# A scratch folder of its own: tests are compiled with other flags, and building the two in turn in one folder would
# compile everything each time.
test: setup
	$(SWIFT) test -c release --scratch-path .build-tests

test-long: setup
	HALCYON_LONG_TESTS=1 $(SWIFT) test -c release --scratch-path .build-tests

test-crashes: setup
	HALCYON_HISTORIES=50000 HALCYON_CRASH_POINTS=1000 $(SWIFT) test -c release --scratch-path .build-tests \
		--filter 'SimulationTests|ControllerCrashTests'

# Installs the system packages that are missing, and says which.
setup:
	@command -v $(SWIFT) >/dev/null || { echo "Swift 6.3 is needed: https://www.swift.org/install/linux" >&2; exit 1; }
	@missing=""; for package in $(PACKAGES); do \
		dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q "ok installed" || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
		echo "installing system packages:$$missing"; \
		if [ "$$(id -u)" = 0 ]; then run=""; else run=sudo; fi; \
		$$run apt-get update -q && $$run env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
	fi

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

clean:
	rm -rf .build .build-tests
