# `make run` and `make test` are all one needs; both install what is missing first.

.PHONY: run test build setup test-setup check lint contract bench

# Installs what is missing, builds Wherry and opens its window.
run: setup
	npm run --silent --prefix ui build
	cargo run --features custom-protocol

# Everything: Rust against real servers, the pages, and the real window from end to end.
test: setup test-setup
	tests/run

# The app as one self-contained program, for debugging: target/debug/wherry.
build: setup
	npm run --silent --prefix ui build
	cargo build --features custom-protocol

setup:
	src-tauri/setup

test-setup: setup
	tests/setup

# Formatting, lints and types; no tests.
check: setup
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	npm run --silent --prefix ui check

lint: check

# Writes the TypeScript of the contract anew after its Rust types have changed.
contract:
	WHERRY_WRITE_CONTRACT=1 cargo test -p wherry-engine --test contract

# Wherry beside other S3 clients, on this machine.
bench: setup
	tests/setup --bench
	bench/run
