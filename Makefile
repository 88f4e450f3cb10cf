# What can be made here. `make test` is everything that must pass; `.ci/run` calls it.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
REVISION ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
ARCH     ?= $(shell $(GO) env GOARCH)
LDFLAGS  := -s -w -X main.version=$(VERSION) -X main.revision=$(REVISION)

# How long each fuzz target runs, and which packages hold them.
FUZZTIME ?= 10m
FUZZPKG  ?= ./...

# Where goroutines share memory: the race detector runs here as part of `make test`.
RACEPKG  := ./ajp/... ./dataplane/... ./controlplane/... ./bench/tomcat/...

.PHONY: build test race fuzz bench generate check package demo

# One static binary. It embeds its own documentation and needs nothing beside it.
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/catherd ./cmd/catherd

# Brings what is missing (as root on Debian), then: vet, all tests with the seeds of
# every fuzz target, the race detector where it matters. The tests against real Tomcats
# are among them. -p 1: their JVMs and the allocation tests want the machine for themselves.
test: build
	$(GO) run ./bench/catalina/prepare
	$(GO) vet ./...
	$(GO) test -p 1 -timeout 15m ./...
	$(GO) test -p 1 -timeout 15m -race $(RACEPKG)

# The race detector everywhere, real Tomcats included.
race: build
	$(GO) run ./bench/catalina/prepare
	$(GO) test -p 1 -timeout 30m -race ./...

# Every fuzz target of every package, one after the other.
fuzz:
	@set -eu; for pkg in $$($(GO) list $(FUZZPKG)); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$target"; \
	    $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
	  done; \
	done

# The Go benchmarks, with allocations. Whole-program measurements: bench/README.md.
bench:
	$(GO) test -p 1 -run '^$$' -bench . -benchmem ./...

generate:
	$(GO) generate ./...

# Format, vet, import laws, package documents, generated files.
check:
	.ci/check

# What a release carries, as one archive.
package: build
	@set -eu; name=catherd-$(VERSION)-linux-$(ARCH); dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; \
	mkdir "$$dir/$$name"; cp bin/catherd LICENSE "$$dir/$$name/"; \
	if [ -f README.md ]; then cp README.md "$$dir/$$name/"; fi; \
	if [ -d cmd/catherd/dist ]; then cp -R cmd/catherd/dist "$$dir/$$name/"; fi; \
	tar -C "$$dir" --owner=0 --group=0 --numeric-owner --sort=name -czf bin/$$name.tar.gz $$name; \
	echo bin/$$name.tar.gz

# Two clustered Tomcats and Catherd in front of them, until Ctrl-C.
# DEMO=--check: a few requests, one kill, one more request, and out.
demo: build
	@$(GO) build -o bin/demo ./bench/demo
	@exec bin/demo $(DEMO)
