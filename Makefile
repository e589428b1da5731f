# Aliases only: what each step does stands in the scripts and programs it calls.
SHELL   := /bin/sh
MAKEFLAGS += --no-print-directory
LINT    := go tool -modfile=tools/go.mod golangci-lint
export CGO_ENABLED = 0

.PHONY: help build demo test check bench torture fuzz docs install clean

help:
	@echo 'make demo     set up what is missing, build, and show it all on sample accounts'
	@echo 'make build    bin/miner, with the sentence model and the font inside'
	@echo 'make test     everything that decides whether a change lands'
	@echo 'make check    the quick part of it: build, lint, short tests'
	@echo 'make bench    the benchmarks'
	@echo 'make torture  kill -9 over and over; docs/reliability.md tells'
	@echo 'make install  bin/miner into ~/.local/bin'

include internal/index/model.mk
include internal/clean/ngrams.mk

build: need model
	@go build -trimpath -buildvcs=auto -ldflags='-s -w' -o bin/miner ./cmd/miner

demo: build
	@bin/miner demo

install: build
	@install -D -m 0755 bin/miner $(HOME)/.local/bin/miner

.PHONY: need
need:
	@tools/need go

test: need model
	@tools/test

check: model
	@go build ./...
	@$(LINT) run
	@go test -short ./...

bench: build
	@tools/bench

torture:
	@go run ./cmd/torture $(ARGS)

clean:
	@rm -rf bin .cache coverage.out
