# Two commands do all the set-up on a machine that has Rust.
#   make demo   builds knarr and runs its main job on the data shipped in datasets/
#   make test   passes the tests
# Both install missing compilers and tools on Debian and Ubuntu (as root or with sudo); elsewhere they name them and stop.

OUT ?= out/demo

.PHONY: demo test setup-build setup-test

demo: setup-build
	cargo run --release -- demo $(OUT)

test: setup-test
	cargo test --workspace

setup-build:
	@.ci/setup.sh build

setup-test:
	@.ci/setup.sh test
