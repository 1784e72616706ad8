# Redcache. `make help` lists the targets; the README explains the two that matter: demo and test.

GO        ?= go
BIN       := bin
BENCHTIME ?= 101x

# make bench: rows of the table, rounds, where results.json goes, and further flags such as -docs docs.
BENCH_ROWS  ?= 1000000
BENCH_RUNS  ?= 3
BENCH_OUT   ?= bench
BENCH_FLAGS ?=

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build cachectl and worker into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ ./cmd/...

.PHONY: demo
demo: deps build ## set everything up and watch rows arrive, until Ctrl-C
	CGO_ENABLED=0 $(GO) run ./internal/demo

.PHONY: demo-once
demo-once: deps build ## the same, but ends by itself: 0 only if each view equals its query
	CGO_ENABLED=0 $(GO) run ./internal/demo -once

.PHONY: test
test: deps ## all tests, on real servers, with the race detector
	$(GO) test -race -shuffle=on -count=1 -timeout 10m ./...

.PHONY: bench
bench: deps build ## every way to keep a copy, side by side: docs/benchmarks.md
	CGO_ENABLED=0 $(GO) run ./integration/bench -bin $(BIN) -out $(BENCH_OUT) \
	  -rows $(BENCH_ROWS) -runs $(BENCH_RUNS) $(BENCH_FLAGS)

.PHONY: overhead
overhead: deps ## what a refresh costs beyond its SQL, and all other Go benchmarks
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) ./...

.PHONY: fuzz
fuzz: deps ## fuzz the quoting of both sides for a minute each
	scripts/fuzz 60s

.PHONY: lint
lint: ## gofumpt, vet, staticcheck
	@unformatted=$$($(GO) tool gofumpt -l .); if [ -n "$$unformatted" ]; then \
	  echo "not formatted, run: go tool gofumpt -w ."; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

.PHONY: deps
deps: ## check for Go, PostgreSQL and PgBouncer, and install the two where that is possible
	@scripts/deps

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN)
