SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

GO       ?= go
FUZZTIME ?= 10s
BENCH    ?= .

# Every binary is static; only the race detector needs cgo.
export CGO_ENABLED = 0

tool = $(GO) tool -modfile=tools/go.mod

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build every command into bin/
	@mkdir -p bin
	$(GO) build -trimpath -o bin/ ./cmd/...

.PHONY: test
test: ## Build, vet and test everything
	$(GO) build ./... && $(GO) vet ./... && $(GO) test -shuffle=on ./...

.PHONY: race
race: ## Test everything under the race detector
	CGO_ENABLED=1 $(GO) test -race -shuffle=on ./...

.PHONY: format
format: ## Rewrite the sources with gofumpt
	$(tool) gofumpt -w .

.PHONY: format-check
format-check:
	@$(tool) gofumpt -d . || { echo "gofumpt: run 'make format'" >&2; exit 1; }

.PHONY: lint
lint: ## Run vet and golangci-lint
	$(GO) vet ./...
	$(tool) golangci-lint run

.PHONY: rooms
rooms: ## Check the import rules between the rooms
	$(GO) test -count=1 ./internal/rooms

.PHONY: check
check: format-check lint rooms race ## Format, vet, lint, import rules and race tests

.PHONY: vuln
vuln: ## Look for known vulnerabilities (asks the Go vulnerability database)
	$(tool) govulncheck ./...

.PHONY: bench
bench: ## Run every Go benchmark, then the reference scenarios of osim
	@{ grep -rl --include='*_test.go' '^func Benchmark' . || true; } | xargs -r -n 1 dirname | sort -u \
		| xargs -r $(GO) test -run '^$$' -bench '$(BENCH)' -benchmem
	@if [ -d cmd/osim ]; then $(GO) run ./cmd/osim bench; fi

.PHONY: fuzz
fuzz: ## Fuzz every target for FUZZTIME (10s)
	@packages="$$($(GO) list ./...)"; \
	for pkg in $$packages; do \
		targets="$$($(GO) test -list '^Fuzz' "$$pkg")"; \
		for target in $$(grep '^Fuzz' <<<"$$targets" || true); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x "$$pkg"; \
		done; \
	done

.PHONY: mutants
mutants: ## Put deliberate bugs into the code and show that each is caught (minutes)
	$(GO) run ./internal/mutants

.PHONY: run
run: ## Replay the Abilene scenario in the simulator
	$(GO) run ./cmd/osim run abilene

.PHONY: results
results: ## Run the validation scenarios and remake the tables of docs/results.md and docs/frcp.md
	GO=$(GO) docs/results.sh --write

.PHONY: sim-vs-real
sim-vs-real: ## Hold the simulator against processes in network namespaces (root) and remake the tables of docs/sim-vs-real.md
	GO=$(GO) docs/sim-vs-real.sh --write

SEEDS ?= 1..1000

.PHONY: soak
soak: ## Run the fault campaign over SEEDS and write its figures into docs/campaign.md
	GO=$(GO) docs/campaign.sh $(SEEDS)

.PHONY: man
man: ## Make the manual pages in docs/man from what the commands say about themselves
	$(GO) test -count=1 -run '^TestPagesAreUpToDate$$' ./cmd/internal/manual -rewrite

RUNS ?= 5

.PHONY: bench-live
bench-live: ## Measure real mode beside bare programs into docs/speed.md (root; ten minutes)
	@mkdir -p bin
	$(GO) build -trimpath -o bin/benchlive ./internal/benchlive
	bin/benchlive -runs $(RUNS) -write docs/speed.md

.PHONY: generate
generate: ## Regenerate the generated sources (protobuf needs protoc)
	$(GO) build -modfile=tools/go.mod -o bin/tools/ google.golang.org/protobuf/cmd/protoc-gen-go
	PATH="$(CURDIR)/bin/tools:$$PATH" $(GO) generate ./...

.PHONY: clean
clean: ## Remove what the other targets made
	rm -rf bin results
