# What can be done here, in one word each. Needs Go and make; what else a test
# or a benchmark needs, scripts/setup installs or names.

.NOTPARALLEL:
.PHONY: help build demo test soak bench clean

BIN     := build/outboundmonitor
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# Where the demo listens, and how large the log of the benchmark is.
LISTEN  ?= 127.0.0.1:8787
SIZE    ?= 1g
RUNS    ?= 5

help:
	@echo "make demo    a made-up server to look at in a browser; installs nothing"
	@echo "make test    every check and every test"
	@echo "make build   $(BIN), one static file to copy to a server"
	@echo "make soak    the long tests: crashes and fuzzing, about an hour"
	@echo "make bench   speed and size beside rg, grep, zgrep and mawk, on $(SIZE) of log"
	@echo "make clean   removes build/, where all of the above is kept"

# Without cgo the program runs on any Linux of its architecture, however old
# its C library is.
build:
	@test -d "$$(go env GOMODCACHE)/cache/download/github.com/labstack" || echo "The first build downloads the modules that go.mod names. It takes a minute or two."
	@CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o $(BIN) ./backend/cmd/outboundmonitor

demo: build
	@echo "Making up a server and a week of its traffic. Ctrl-C ends the demo."
	@$(BIN) demo --listen $(LISTEN)

test:
	@scripts/setup
	@scripts/check
	@scripts/test

soak:
	@scripts/setup
	@scripts/soak

bench: build
	@scripts/setup
	@go run ./scripts/bench -bin $(BIN) -dir build/bench -size $(SIZE) -runs $(RUNS) -out build/bench.md

clean:
	rm -rf build
