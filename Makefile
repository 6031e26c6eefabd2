# The commands of this repository; `make` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

FUMPT := go tool -modfile=tools/go.mod gofumpt
# `.ci/run tags` lists the tags behind which tests stand.
TAGGED = .ci/run tagged

.PHONY: help
help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## serve on 127.0.0.1:8080 with a demo family in luxbff.db
	go run ./server

.PHONY: generate
generate: ## write ent/ and graph/ anew from their schemas
	go generate ./...

.PHONY: graphiql
graphiql: ## build the page of GraphiQL from server/graphiql/web
	cd server/graphiql/web && npm ci --no-audit --no-fund && npm run build

.PHONY: scalar
scalar: ## build the page of the REST routes from server/scalar/web
	cd server/scalar/web && npm ci --no-audit --no-fund && npm run build

.PHONY: fmt
fmt: ## format the code
	$(FUMPT) -w $$(.ci/run gofiles)

.PHONY: lint
lint: ## hold the house rules (.golangci.yml) and find dead code
	.ci/run lint

.PHONY: verify
verify: ## prove that generated code, go.mod, format and vet are clean
	.ci/run verify

.PHONY: test
test: ## run the tests that need nothing but Go
	go test ./...

.PHONY: race
race: ## run them under the race detector
	go test -race ./...

.PHONY: postgres
postgres: ## run them on a throwaway PostgreSQL
	.ci/run postgres

.PHONY: npm
npm: ## run the tests with the npm clients
	$(TAGGED) npm

.PHONY: browser
browser: ## run the tests in headless Chromium
	$(TAGGED) browser

.PHONY: golden
golden: ## accept the golden files as they come out now
	.ci/run golden

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME each, ten minutes where it isn't set
	FUZZTIME=$${FUZZTIME:-10m} .ci/run fuzz

.PHONY: audit
audit: ## look for known vulnerabilities in the modules and npm packages
	.ci/run audit

.PHONY: sbom
sbom: ## write the bill of materials of the program to bin/luxbff.cdx.json
	CGO_ENABLED=0 go build -trimpath -o bin/luxbff ./server
	go run ./internal/tools/sbom bin/luxbff server/{graphiql,scalar}/web/package-lock.json >bin/luxbff.cdx.json

.PHONY: bench
bench: ## measure beside other servers and write the table of docs/performance.md
	.ci/run bench '$(ONLY)'

.PHONY: ci
ci: ## everything that CI does
	.ci/run
