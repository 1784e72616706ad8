# Redcache. `make help` lists the targets; the README explains the two that matter: demo and test.

GO        ?= go
BIN       := bin
BENCHTIME ?= 101x

# All is built alike, so that each package is compiled once, but for the tests: the race detector needs cgo.
export CGO_ENABLED := 0
export GOFLAGS     := $(GOFLAGS) -trimpath

# make soak: how long, and further flags such as -seed 7 or -v; a difference says which.
SOAK       ?= 1m
SOAK_FLAGS ?=

# make bench: rows of the table, rounds, where results.json goes, and further flags such as -docs docs.
BENCH_ROWS  ?= 1000000
BENCH_RUNS  ?= 3
BENCH_OUT   ?= bench
BENCH_FLAGS ?=

# The functions of template.yaml. RDS_CA is the file of authorities that they hold the cache database's certificate
# against; docs/deploy-aws.md says where it comes from.
LAMBDA_ARCH  ?= arm64
# Without RPC, by which Lambda's own runtime of Go was called, and without HTTP/2, which no call to AWS here needs: 0.4 MB less.
LAMBDA_BUILD := CGO_ENABLED=0 GOOS=linux GOARCH=$(LAMBDA_ARCH) $(GO) build -trimpath -tags lambda.norpc,nethttpomithttp2 -ldflags '-s -w'
RDS_CA       ?= rds-ca.pem

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build cachectl and worker into bin/
	$(GO) build -o $(BIN)/ ./cmd/cachectl ./cmd/worker

.PHONY: lambda
lambda: ## build the Lambda functions into bin/lambda/, for arm64
	@$(MAKE) --no-print-directory build-DispatchFunction ARTIFACTS_DIR=$(BIN)/lambda/dispatch
	@$(MAKE) --no-print-directory build-RefreshFunction ARTIFACTS_DIR=$(BIN)/lambda/refresh

# What `sam build` calls, with the directory that will be the function's package.
.PHONY: build-DispatchFunction build-RefreshFunction
build-DispatchFunction: source := ./cmd/lambda/dispatch
build-RefreshFunction: source := ./cmd/lambda/refresh
build-DispatchFunction build-RefreshFunction:
	@test -n "$(ARTIFACTS_DIR)" || { echo "$@ is called by sam build; by hand, use make lambda" >&2; exit 1; }
	$(LAMBDA_BUILD) -o "$(ARTIFACTS_DIR)/bootstrap" $(source)
	@if [ -f "$(RDS_CA)" ]; then cp "$(RDS_CA)" "$(ARTIFACTS_DIR)/rds-ca.pem"; \
	  else echo "without $(RDS_CA): DatabaseTls verify-full will not work, see docs/deploy-aws.md" >&2; fi

.PHONY: demo
demo: deps build ## set everything up and watch rows arrive, until Ctrl-C
	$(GO) run ./internal/demo

.PHONY: demo-once
demo-once: deps build ## the same, but ends by itself: 0 only if each view equals its query
	$(GO) run ./internal/demo -once

# Two packages at once: with more, limits of time are missed on a slow machine. Without go test's own vet, which is a part of what lint does: with the race detector it compiles all packages anew.
.PHONY: test
test: export CGO_ENABLED := 1
test: export GOFLAGS := $(filter-out -trimpath,$(GOFLAGS))
test: deps ## all tests, on real servers, with the race detector
	servers="$${REDCACHE_TEST_PGBIN_ALL-$$(scripts/postgres/install)}" && \
	  REDCACHE_TEST_PGBIN_ALL="$$servers" GO="$(GO)" scripts/test -race -p 2 -vet=off -shuffle=on -count=1 -timeout 40m

.PHONY: soak
soak: deps ## random histories against a model, with faults and readers, for as long as SOAK says
	$(GO) run ./integration/soak -for $(SOAK) $(SOAK_FLAGS)

.PHONY: bench
bench: deps build ## every way to keep a copy, side by side: docs/benchmarks.md
	$(GO) run ./integration/bench -bin $(BIN) -out $(BENCH_OUT) \
	  -rows $(BENCH_ROWS) -runs $(BENCH_RUNS) $(BENCH_FLAGS)

.PHONY: overhead
overhead: packages = $(sort $(dir $(shell grep -rl --include='*_test.go' '^func Benchmark' .)))
overhead: deps ## what a refresh costs beyond its SQL, and all other Go benchmarks
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) $(packages)

.PHONY: fuzz
fuzz: deps ## fuzz the quoting of both sides for a minute each
	scripts/fuzz 60s

.PHONY: lint
lint: ## gofumpt, vet, staticcheck, and cfn-lint where it is on PATH
	@unformatted=$$($(GO) tool gofumpt -l .); if [ -n "$$unformatted" ]; then \
	  echo "not formatted, run: go tool gofumpt -w ."; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@if command -v cfn-lint >/dev/null; then cfn-lint --include-checks I -- template.yaml; \
	  else echo "cfn-lint is not on PATH: template.yaml is NOT CHECKED; make tools installs it" >&2; [ "$$CI" != true ]; fi

.PHONY: deps
deps: ## check for Go, PostgreSQL and PgBouncer, and install the two where that is possible
	@scripts/deps

.PHONY: tools
tools: ## install what lint and tests use of Python, and print where it is, for PATH
	@scripts/tools/install

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BIN)
