# Thin on purpose: what is longer than a line is a script in .ci or a Go program. Only Go is needed, except where said.

SHELL := /bin/bash
.DEFAULT_GOAL := help

# Every module of the tree; the nested ones are programs as users write them.
MODULES  := . examples/quickstart
# Also linted; their tests need what not every machine has, or a tree of others: make integration and make bench-compare run them.
LINTED   := $(MODULES) localstack bench
# A count, not a time: in Go 1.26 a fuzzer that its time ends may fail for no reason (go.dev/issue/75804).
FUZZTIME ?= 50000x
# Of soak.
SIZE     ?= release

# make bench-compare QUICK=1 REQUIRE_PEERS=1
QUICK         ?= 0
REQUIRE_PEERS ?= 0

# The tools of lint and fmt, pinned. They are built into .tools, a file a version.
GOLANGCI_LINT := .tools/golangci-lint-v2.12.2
STATICCHECK   := .tools/staticcheck-v0.7.0
GOVULNCHECK   := .tools/govulncheck-v1.3.0
GOFUMPT       := .tools/gofumpt-v0.9.2

# The tools of deployment, pinned too.
CYCLONEDX_GOMOD := .tools/cyclonedx-gomod-v1.9.0
SAM             := .tools/sam/bin/sam
SAM_VERSION     := 1.170.0

# Functions are built so that the same tree gives the same bytes on every machine, without the parts that Lambda does not need.
FUNCTION_BUILD := CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false -tags=lambda.norpc '-ldflags=-s -w -buildid='"

# make deploy STACK=name PARAMETERS="AlarmEmail=ops@example.com FunctionTimeout=300". The processor is given each time, because the
# functions are built for it; what else is not given stays as the stack has it.
STACK        ?= offload
ARCHITECTURE ?= arm64
PARAMETERS   ?=
overrides     = --parameter-overrides Architecture=$(ARCHITECTURE) $(PARAMETERS)

# in-each runs a command in every module, or in those of $(2), and ends at the first failure.
in-each = @set -e; for m in $(or $(2),$(MODULES)); do (set -x; cd $$m && $(1)); done

.PHONY: help run demo test race lint fmt fuzz-smoke cover size soak bench bench-compare validate build deploy teardown package clean localstack-up localstack-test localstack-down integration

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 24

run: bin/offload ## everything on this machine, with the example API; Ctrl-C ends it
	@exec bin/offload dev -- go run ./examples/api

demo: bin/offload ## 1,000 requests through everything, then a table; under three minutes
	@exec bin/offload demo

test: ## all tests, shuffled
	$(call in-each,go test -shuffle=on -timeout=30m ./...)

race: ## all tests, shuffled, under the race detector (needs a C compiler)
	$(call in-each,go test -race -shuffle=on -timeout=30m ./...)

lint: $(GOLANGCI_LINT) $(STATICCHECK) $(GOVULNCHECK) $(GOFUMPT) ## vet, staticcheck, golangci-lint, gofumpt, govulncheck
	$(call in-each,go vet ./...,$(LINTED))
	$(call in-each,$(CURDIR)/$(STATICCHECK) ./...,$(LINTED))
	@rm -rf .tools/lint-cache # what contextcheck finds depends on what is cached
	$(call in-each,GOLANGCI_LINT_CACHE=$(CURDIR)/.tools/lint-cache $(CURDIR)/$(GOLANGCI_LINT) run ./...,$(LINTED))
	@.ci/gofumpt $(GOFUMPT)
	@.ci/govulncheck $(GOVULNCHECK)

fmt: $(GOFUMPT) ## format the Go files
	@.ci/gofumpt $(GOFUMPT) -w

fuzz-smoke: ## each fuzz target for a little while (FUZZTIME=50000x)
	@FUZZTIME=$(FUZZTIME) .ci/fuzz

cover: ## the coverage of the tests, by function in coverage.txt
	go test -coverpkg=./... -coverprofile=coverage.out ./...
	go tool cover -func=coverage.out > coverage.txt
	@tail -n 1 coverage.txt

soak: ## the reliability tests of the client, its journal and the example API at SIZE=release (half an hour of killed hosts) or SIZE=commit (three minutes)
	OFFLOAD_SOAK=$(SIZE) go test -p 1 -count=1 -v -timeout 3h -run '_(A2|A3|A4|A5|A6)_|TestT[0-9]' ./client ./client/journal ./examples/api

size: ## how large the smallest worker is, by architecture; fails above the limit
	@.ci/size

bench: ## all benchmarks
	go test -run '^$$' -bench . -benchmem ./...

bench-compare: ## beside the AWS SDK, asynq and River, into docs/benchmarks.md; ten minutes (QUICK=1, REQUIRE_PEERS=1: see bench/run)
	@QUICK=$(QUICK) REQUIRE_PEERS=$(REQUIRE_PEERS) bench/run

validate: $(SAM) ## check template.yaml as SAM and cfn-lint do
	$(SAM) validate --lint --region us-east-1

build: $(SAM) ## build the functions for AWS, into .aws-sam
	$(FUNCTION_BUILD) $(SAM) build $(overrides)

# A folder a stack: teardown deletes what was uploaded, and stacks of the same code would share it.
deploy: build ## put the stack on AWS (STACK=offload ARCHITECTURE=arm64 PARAMETERS="Name=Value …")
	$(SAM) deploy --stack-name $(STACK) --s3-prefix $(STACK) $(overrides)

teardown: $(SAM) ## remove the stack from AWS; queues and buckets are retained (STACK=offload)
	@.tools/sam/bin/python .ci/teardown.py $(STACK) $(SAM)

package: $(CYCLONEDX_GOMOD) ## functions as zips with their SBOM in bin/dist, each built twice to the same bytes
	$(FUNCTION_BUILD) python3 .ci/package.py $(CYCLONEDX_GOMOD)

# -count=1: what they test is not in this tree alone. -v: what is skipped, and why, and which deviations were seen.
INTEGRATION = cd localstack && go test -v -count=1 -shuffle=on -timeout=20m ./...

integration: ## the suites on the emulator, LocalStack and moto: what this machine has; see docs/guides/localstack.md
	$(INTEGRATION)

localstack-up: ## start LocalStack, in Docker or without (LOCALSTACK_MODE=docker|host, LOCALSTACK_PORT=4566)
	@localstack/up

localstack-test: ## the integration suites on the LocalStack that localstack-up has started
	@endpoint=$$(localstack/endpoint) && export LOCALSTACK_ENDPOINT=$$endpoint REQUIRE_LOCALSTACK=1 && $(INTEGRATION)

localstack-down: ## end the LocalStack that localstack-up has started
	@localstack/down

clean: localstack-down ## remove what the other targets made
	rm -rf bin .tools .aws-sam .offload .localstack coverage.out coverage.txt

.PHONY: bin/offload
# Built and not "go run", so that make's child is the program itself and gets the signals.
bin/offload:
	@go build -o $@ ./cmd/offload

# $(1) is the import path of the command.
install = GOBIN=$(CURDIR)/.tools go install $(1)@$(lastword $(subst -v, v,$@)) && mv .tools/$(notdir $(1)) $@

$(GOLANGCI_LINT):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint)
$(STATICCHECK):
	$(call install,honnef.co/go/tools/cmd/staticcheck)
$(GOVULNCHECK):
	$(call install,golang.org/x/vuln/cmd/govulncheck)
$(GOFUMPT):
	$(call install,mvdan.cc/gofumpt)
$(CYCLONEDX_GOMOD):
	$(call install,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod)

.PHONY: $(SAM)
$(SAM): # the script looks whether it is there, in this version
	@.ci/venv .tools/sam aws-sam-cli==$(SAM_VERSION)
