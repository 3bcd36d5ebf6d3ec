VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
FUZZTIME ?= 30s

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/bot and bin/sandbox, static
	CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags "-s -w -X main.version=$(VERSION)" -o bin/ ./cmd/...

.PHONY: sandbox
sandbox: ## Run the bot against a simulated Slack and a simulated Baseten
	go run ./cmd/sandbox

.PHONY: test
test: ## Run the tests; they need nothing but Go
	go test ./...

.PHONY: race
race: ## Run the tests with the race detector (needs gcc)
	go test -race ./...

.PHONY: test-postgres
test-postgres: ## Run the tests on PostgreSQL too, started and stopped here
	@url=$$(.ci/postgres start) && trap '.ci/postgres stop' EXIT && \
		AUTOSCALE_TEST_POSTGRES=$$url go test -count=1 ./internal/store/... ./internal/app/...

.PHONY: lint
lint: ## Check format, imports and the rest (the first run builds golangci-lint: 2 to 4 minutes)
	go tool -modfile=tools/go.mod golangci-lint run ./...
	cd deploy && go tool -modfile=../tools/go.mod golangci-lint run ./...

.PHONY: fmt
fmt: ## Format the code and group its imports
	go tool -modfile=tools/go.mod golangci-lint fmt ./...

.PHONY: fuzz
fuzz: ## Run every fuzz test for FUZZTIME each
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sort | while IFS=: read -r file name; do \
		go test -run='^$$' -fuzz="^$${name#func }$$" -fuzztime=$(FUZZTIME) "$$(dirname "$$file")" || exit 1; \
	done

.PHONY: bench
bench: ## Run the benchmarks
	go test -run='^$$' -bench=. -benchmem ./...

.PHONY: docker
docker: ## Build the image autoscalebot with Docker, labels and all
	docker build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse HEAD) -t autoscalebot .

.PHONY: check-deploy
check-deploy: ## Check the chart, compose.yaml, the unit, the alerts and the dashboard
	.ci/deploy

# Not in CI: the first run builds it in minutes. No newer one builds with this Go.
GORELEASER := go run github.com/goreleaser/goreleaser/v2@v2.15.1

.PHONY: snapshot
snapshot: ## Try a release out into dist/, without the image and without publishing
	$(GORELEASER) check
	$(GORELEASER) release --snapshot --clean --skip=docker

.PHONY: image
image: ## Check the image's last stage with a binary built here (needs buildah, root)
	.ci/image $(VERSION)

.PHONY: ci
ci: ## Run everything that a change must pass
	.ci/run
