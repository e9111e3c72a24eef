# The one entry for people. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

agent: ## the guest agent, one static binary: artifacts/guest-agent/watari-agent
	dotnet publish guest-agent -c Release -v q -p:DebugType=none -o artifacts/guest-agent

guest-image: ## the guest that the demo and the tests run
	guest-image/build.sh trixie

.PHONY: agent help guest-image
