# Drawbar. `make help` lists what can be made; each target does its own set-up.

CONFIG ?= release# how `build`, `demo` and `bench` compile: release or debug
FLEET  ?= 12#     servers of the demo's fleet, 4 or more
REPORT ?=#        a file for the closing table of `demo` and `bench`, as JSON
KEEP   ?=#        KEEP=1 leaves the demo running, and what a fault run wrote
SEED   ?=#        of a fault run; the same seed, the same load and faults
FAULTS ?= 200#    how many happen in `soak`
ONLY   ?=#        parts of `bench`, or tools of `bench-peers`, to be measured alone: ONLY="chains idle"

# What Drawbar needs beyond Swift, by its Debian 12 names.
PACKAGES := libhiredis-dev redis-server haproxy openssl
SOURCES  := Package.swift Sources Tests Workers Workflows Examples $(wildcard Benchmarks)

export FLEET REPORT KEEP

.DEFAULT_GOAL := help
.PHONY: help deps build demo test soak bench bench-peers simulate format lint clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@awk '/^[A-Z]+ +\?=/ { name = $$1; sub(/^[^#]*#/, ""); gsub(/^ +/, ""); printf "  %-11s %s\n", name, $$0 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing
	@command -v swift >/dev/null || { echo "Swift 6.2 or later is missing: see https://www.swift.org/install"; exit 1; }
	@if ! command -v dpkg-query >/dev/null; then \
	  for program in redis-server haproxy openssl; do \
	    command -v $$program >/dev/null || { echo "This is no Debian: install what it calls $(PACKAGES)"; exit 1; }; \
	  done; exit 0; \
	fi; \
	missing=""; \
	for package in $(PACKAGES); do \
	  dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null | grep -qx installed || missing="$$missing $$package"; \
	done; \
	[ -z "$$missing" ] && exit 0; \
	echo "Installing$$missing"; \
	as_root=""; [ "$$(id -u)" -eq 0 ] || as_root="sudo"; \
	if [ -n "$$as_root" ] && ! command -v sudo >/dev/null; then as_root="false"; fi; \
	{ $$as_root apt-get install -y --no-install-recommends $$missing \
	    || { $$as_root apt-get update && $$as_root apt-get install -y --no-install-recommends $$missing; }; } \
	  || { echo "Could not install them. As root: apt-get install$$missing"; exit 1; }

build: deps ## build everything, into .build/release or .build/debug
	swift build -c $(CONFIG)

demo: build ## watch real releases on a fleet of this machine: about three minutes (FLEET, KEEP, REPORT)
	@.build/$(CONFIG)/demo

# One after another: they start servers and look at clocks, and two cores are soon busy.
test: deps ## run every test: unit, script, fault, end to end
	swift build --build-tests
	swift test --skip-build --no-parallel

soak: deps ## let the queue's servers, workers and network fail, for some minutes (SEED, FAULTS, KEEP)
	swift build --build-tests
	FAULTS=$(FAULTS) SEED=$(SEED) swift test --skip-build --no-parallel --filter FaultTests.FaultTests/long

# SwiftPM notices only in its root package that sources came or went: the plan is made anew.
bench: deps ## measure the Redis client, the queue and the engine (ONLY, REPORT)
	@rm -f Benchmarks/.build/$(CONFIG).yaml
	swift run -c $(CONFIG) --package-path Benchmarks drawbar-bench $(if $(ONLY),--only $(ONLY))

bench-peers: deps ## measure Celery, Sidekiq and others beside Drawbar: about ten minutes (ONLY, REPORT)
	@rm -f Benchmarks/.build/release.yaml
	swift build -c release --package-path Benchmarks
	python3 Benchmarks/peers/run.py $(if $(ONLY),--only drawbar $(ONLY))

simulate: ## releases in simulated time, everything dying, and one of 100,000 servers (RELEASES, SEED)
	swift build -c release --product simulate
	@.build/release/simulate $(or $(RELEASES),10000) $(or $(SEED),0)
	@.build/release/simulate large 1000 10000 100000

format: ## format the sources
	swift format -i -r $(SOURCES)

lint: ## check the format of the sources
	swift format lint --strict -r $(SOURCES)

clean: ## remove what was built
	rm -rf .build Benchmarks/.build Benchmarks/.peers
