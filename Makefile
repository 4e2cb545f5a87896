# `make` alone tells what there is.
.DEFAULT_GOAL := help
.PHONY: help demo test truth log-conformance lint fmt bench fuzz soak packages package-test clean-demo
SHELL := /bin/bash

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## the whole way through on this machine: verifier, software TPM, agent, a change, an answer (DEMO_EXIT=1 ends by itself)
	@scripts/setup
	@echo "demo: building release binaries (some minutes the first time)"
	@cargo build --release --quiet --bins
	@target/release/demo

test: ## all tests
	@scripts/setup
	cargo build --workspace --bins
	scripts/log-conformance --present
	cargo test --workspace --doc --quiet
	@echo "test: the verifier's own tests and the end-to-end tests on PostgreSQL"
	scripts/with-postgres cargo nextest run -p lydian-verifier --lib -p lydian-tests --test e2e --no-fail-fast
	cargo nextest run --workspace --no-fail-fast

truth: ## answers against the truth of made fleets, in memory and through a verifier: make truth SEED=7
	@scripts/setup
	cargo build --workspace --bins
	LYDIAN_TRUTH_SEED=$(or $(SEED),1) cargo nextest run -p lydian-verifier -p lydian-tests -E 'test(answers_are_true_of_made_fleets) + test(true_of_a_course)'

log-conformance: ## other people's software checks our logs; installs what it needs, fails where something is missing
	@scripts/setup
	scripts/log-conformance

lint: ## what CI checks beside the tests
	scripts/lint

fmt: ## format all code
	cargo fmt

bench: ## every benchmark with its peer; figures in target/bench/results.jsonl (one group: scripts/bench evidence)
	@scripts/setup
	@scripts/bench

fuzz: ## a minute of fuzzing a target, two at a time, as CI does
	@scripts/setup
	scripts/fuzz -j 2 60

soak: ## the long forms of the tests and half an hour of fuzzing a target: hours, not minutes
	@scripts/setup
	cargo build --workspace --bins
	cargo nextest run --workspace --run-ignored only --no-fail-fast -E 'not test(broken_connections)'
	scripts/with-postgres cargo nextest run -p lydian-tests --test e2e --run-ignored only broken_connections
	scripts/log-conformance
	scripts/crash-logs --soak
	scripts/fuzz -j 2 1800

packages: ## Debian packages of agent, verifier and command line in target/packages
	@scripts/setup build
	@scripts/packages

package-test: packages ## install, set up, upgrade, remove and purge them in a system of its own (as root)
	scripts/package-test

clean-demo: ## remove what the demo left in ./demo
	rm -rf demo
