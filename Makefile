# The one entry for people. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := artifacts/bin
BENCHMARKS := artifacts/benchmarks
AGENT := artifacts/guest-agent/watari-agent
FUZZ_IMAGE ?= $${WATARI_CACHE:-/var/cache/watari}/fuzz
FUZZ := dotnet tests/Fuzzing/bin/Release/net10.0/Watari.Fuzzing.dll --image "$(FUZZ_IMAGE)"
RUNS ?= 1000000
PUBLISH := dotnet publish -c Release -r linux-x64 --self-contained false -v quiet --nologo

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: build guest-image ## two hosts, two VMs: migrates redis and a counter, shows that nothing was lost, shuts down
	demo/demo

up: build guest-image ## the demo's cluster, left running to play with
	demo/cluster up

down: ## ends what `make up` started
	demo/cluster down

test: agent kernels bookworm ## the tests, on real guests; `make engines` and `make matrix` go on with more engines and machines
	dotnet build -v quiet --nologo Orchestrator.sln
	dotnet test --no-build --solution Orchestrator.sln --max-parallel-test-modules 1 --filter-not-trait engines=more

fuzz: guest-image ## a hostile guest, RUNS times: spoils a guest's RAM and its disk where they are read, and looks (SEED=, RUN= for one alone)
	dotnet build -c Release -v quiet --nologo tests/Fuzzing
	[ -f "$(FUZZ_IMAGE)/segments" ] || $(FUZZ) snapshot
	nice -n 10 $(FUZZ) --runs $(RUNS) $(if $(SEED),--seed $(SEED)) $(if $(RUN),--run $(RUN))
	$(if $(RUN),,nice -n 10 $(FUZZ) --built --runs $(RUNS) $(if $(SEED),--seed $(SEED)))
	$(if $(RUN),,nice -n 10 $(FUZZ) --disk --runs $(RUNS) $(if $(SEED),--seed $(SEED)))

bench: benchmarks build drgn ## benchmarks as ratios of one run, each beside its ceiling
	$(BENCHMARKS)/Watari.Benchmarks all

GUEST = trixie$(if $(KERNEL),+$(subst /,-,$(KERNEL)))

second-opinion: benchmarks drgn ## tasks and memory of a guest beside what drgn says of it: the same, sooner (KERNEL=sid/cloud-amd64 for another kernel)
	WATARI_GUEST=$(GUEST) $(BENCHMARKS)/Watari.Benchmarks second-opinion

benchmarks: setup ## the benchmarks, compiled as the silo is, into artifacts/benchmarks
	$(PUBLISH) -o $(BENCHMARKS) benchmarks

drgn: guest-image
	$(if $(KERNEL),guest-image/build.sh --agent $(AGENT) --kernel $(KERNEL) trixie >/dev/null)
	benchmarks/SecondOpinion/build.sh $(GUEST) >/dev/null

build: setup ## watari and watari-silo, into artifacts/bin
	$(PUBLISH) -o $(BIN) silo
	$(PUBLISH) -o $(BIN) client

agent: setup ## the guest agent, into artifacts/guest-agent
	dotnet publish -c Release -v quiet --nologo -o $(dir $(AGENT)) guest-agent

guest-image: agent ## the guest that the demo and the tests run; cached by its recipe's hash
	guest-image/build.sh --agent $(AGENT) trixie >/dev/null

# Kernels that the tests read beside the guest's own: the newest of each Debian release. `make matrix` takes the generic flavour, too.
KERNELS := bullseye/cloud-amd64 bookworm/cloud-amd64 sid/cloud-amd64
ALL_KERNELS := $(KERNELS) bullseye/amd64 bookworm/amd64 trixie/amd64 sid/amd64

matrix: agent guest-image ## what is read from outside against /proc, on every kernel and every kind of machine
	for kernel in $(ALL_KERNELS); do guest-image/build.sh --agent $(AGENT) --kernel $$kernel trixie >/dev/null; done
	dotnet build -v quiet --nologo tests/System
	WATARI_MATRIX=all dotnet tests/System/bin/Debug/net10.0/Watari.System.Tests.dll -class '*KernelMatrixTests'

engines: agent guest-image bookworm ## what `make test` shows on each engine's newest version alone, on its older ones; and what Docker refuses and outlives
	dotnet build -v quiet --nologo tests/System
	dotnet tests/System/bin/Debug/net10.0/Watari.System.Tests.dll -trait engines=more

kernels: guest-image
	for kernel in $(KERNELS); do guest-image/build.sh --agent $(AGENT) --kernel $$kernel trixie >/dev/null; done

bookworm: agent # the older runtimes: Docker 20.10, podman 4
	guest-image/build.sh --agent $(AGENT) bookworm >/dev/null

format: ## fails if a file is not formatted
	dotnet format --verify-no-changes Orchestrator.sln

setup: ## Debian packages that the build, the guests and the tests need
	@demo/install-packages guest-image/host-packages

.PHONY: help demo up down test matrix engines fuzz bench second-opinion benchmarks drgn build agent guest-image kernels bookworm format setup
