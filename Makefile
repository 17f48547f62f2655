# `make run` and `make test` are all one needs; both install what is missing first.

.PHONY: run test soak build setup test-setup check lint contract bench

# Installs what is missing, builds Wherry and opens its window.
run: setup
	npm run --silent --prefix ui build
	cargo run --features custom-protocol

# Everything: Rust against real servers, the pages, and the real window from end to end.
test: setup test-setup
	tests/run

# What `make test` does in small, at length: twenty thousand simulated worlds with transfers that are cut
# off and as many with all other faults, and a hundred times kill -9 of an upload, a download, a sync and a copy
# against a real store. Takes a quarter of an hour and more, and says how far it is.
soak: setup test-setup
	WHERRY_SEEDS=20000 cargo nextest run --profile soak --no-capture -p wherry-transfer --test simulation
	WHERRY_SOAK_KILLS=100 tests/testbed/testbed with --rgw --tls -- cargo nextest run --profile soak -p wherry-cli --test kill

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
