# Everything that guards the project. `make help` lists what there is.
.DEFAULT_GOAL := help
.PHONY: help build test e2e dist page screenshots instructions instructions-update bench builds-table leaks-table docs docs-generate lint lint-rust lint-shell lint-python lint-page lint-terraform lint-docs lint-workflows clean

# Where cargo builds; another directory may be named, for example to share it between clones.
CARGO_TARGET_DIR ?= target
export CARGO_TARGET_DIR

# The AWS provider and Terragrunt fail against a local endpoint with it.
unexport AWS_CA_BUNDLE

# Leaves no __pycache__ in the tree.
PYTHON = PYTHONDONTWRITEBYTECODE=1 python3
PYTHON_OF_BROWSER = PYTHONDONTWRITEBYTECODE=1 "$$(tests/setup.sh playwright)"

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build the release binary, target/release/lambda-pack
	cargo build --release --locked

test: ## Unit, property and integration tests; installs what they need where it is missing (tests/setup.sh)
	@tests/setup.sh moto >/dev/null
	@tests/setup.sh versitygw >/dev/null
	@tests/setup.sh zigbuild >/dev/null
	@tests/setup.sh bsdtar >/dev/null
	@for tool in qemu python3.12 python3.13 awslambdaric aws-lambda-ric; do \
		tests/setup.sh $$tool >/dev/null || [ $$? -eq 3 ] || exit 1; \
	done
	cargo test --workspace --locked
	$(PYTHON) -m unittest discover --start-directory tests/release

e2e: build ## Both modules on real Terraform against a local AWS; builds the providers once (7 minutes)
	@tests/setup.sh moto >/dev/null
	@tests/setup.sh providers >/dev/null
	$(PYTHON) tests/e2e/e2e.py --lambda-pack "$(CARGO_TARGET_DIR)/release/lambda-pack"

# What can be released from this machine; more with DIST_TARGETS="x86_64-unknown-linux-musl aarch64-unknown-linux-musl x86_64-pc-windows-gnu".
DIST_TARGETS ?= $(shell uname -m)-unknown-linux-musl
DIST_DIR ?= $(CARGO_TARGET_DIR)/release-files

dist: build ## Make what is released, install each of it into an empty place, and try it (the first time it compiles everything)
	rm -rf "$(DIST_DIR)"
	for target in $(DIST_TARGETS); do \
		release/build.sh "$$target" "$(DIST_DIR)" || [ $$? -eq 3 ] || exit 1; \
	done
	[ -z "$$(ls -A "$(DIST_DIR)")" ] || release/try.py "$(DIST_DIR)" --against "$(CARGO_TARGET_DIR)/release/lambda-pack"

page: build ## The page of `report` in Chromium: zooms, searches, accessibility; installs Chromium and Playwright
	@chromium=$$(tests/setup.sh chromium) || { [ $$? -eq 3 ] && exit 0; exit 1; }; \
	$(PYTHON_OF_BROWSER) tests/e2e/page.py --lambda-pack "$(CARGO_TARGET_DIR)/release/lambda-pack" $(ARGS)

screenshots: ## Make the pictures in docs/images
	$(MAKE) page ARGS='--screenshots docs/images'

instructions: build ## Hot paths need no more instructions than bench/instructions.json says; installs valgrind if it is missing
	$(PYTHON) bench/instructions.py --lambda-pack "$(CARGO_TARGET_DIR)/release/lambda-pack"

instructions-update: build ## Accept the instructions that hot paths need now
	$(PYTHON) bench/instructions.py --lambda-pack "$(CARGO_TARGET_DIR)/release/lambda-pack" --update

bench: build ## Time and memory against other programs, which it installs (20 minutes); ARGS='--only node --rounds 3', ARGS=--write-docs
	$(PYTHON) bench/bench.py --lambda-pack "$(CARGO_TARGET_DIR)/release/lambda-pack" --json "$(CARGO_TARGET_DIR)/bench.json" $(ARGS)

builds-table: ## Build and run every demo function and fixture, and write the table in docs/builds.md (5 minutes)
	cargo test --release --locked --test cli -- --ignored --exact table::the_table_of_builds --nocapture

leaks-table: ## Plant secrets in every place, and write the table in docs/secrets.md
	WRITE_LEAKS_TABLE=yes cargo test --locked --test cli -- --exact leaks::places::each_kind_is_refused_in_each_place

docs: ## The documentation as a book with a search, target/book/index.html; builds mdbook once (2 minutes)
	"$$(tests/setup.sh mdbook)" build --dest-dir "$(abspath $(CARGO_TARGET_DIR))/book"

docs-generate: ## Write what the documentation takes from the code: commands, schema, inputs and outputs of the modules
	cargo build --quiet --locked
	$(PYTHON) tests/docs/generate.py --lambda-pack "$(CARGO_TARGET_DIR)/debug/lambda-pack" --inspect "$$(tests/setup.sh terraform-config-inspect)"

lint: lint-rust lint-shell lint-python lint-page lint-terraform lint-docs lint-workflows ## Formatting and static checks

lint-rust:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings

lint-shell:
	sh -n tests/setup.sh
	sh -n lambda-build-module/build-script.sh
	sh -n src/remote/install.sh
	for script in pipelines/*.sh release/*.sh src/overview/page/vendor/*.sh; do sh -n "$$script" || exit; done

lint-python:
	PYTHONPYCACHEPREFIX="$(CARGO_TARGET_DIR)/pycache" python3 -m compileall -q -f bench release src/invocation tests/docs tests/e2e tests/reference tests/release code
	$(PYTHON) bench/scale.py --check

lint-page:
	src/overview/page/vendor/vendor.sh --check
	cat src/overview/page/*.js | node --check -
	node --check src/invocation/runner.mjs

# Every directory that Terraform runs in.
TERRAFORM = $(patsubst %/versions.tf,%,$(wildcard *-module/versions.tf modules/*/versions.tf examples/*/*/versions.tf))

lint-terraform:
	terraform fmt -check -recursive
	tflint="$$(tests/setup.sh tflint)" && for directory in $(TERRAFORM); do "$$tflint" --chdir "$$directory" --config "$(CURDIR)/.tflint.hcl" || exit; done
	LOG_LEVEL=ERROR "$$(tests/setup.sh checkov)" --config-file .checkov.yaml
	$(PYTHON) tests/docs/generate.py --check --inspect "$$(tests/setup.sh terraform-config-inspect)"

lint-docs: docs
	cargo build --quiet --locked
	$(PYTHON) tests/docs/generate.py --check --lambda-pack "$(CARGO_TARGET_DIR)/debug/lambda-pack"
	$(PYTHON) tests/docs/links.py --book "$(CARGO_TARGET_DIR)/book"
	"$$(dirname "$$(tests/setup.sh moto)")/check-jsonschema" --quiet --schemafile docs/reference/definition.schema.json lambda-json/*.json examples/*/lambda-json/*.json
	"$$(dirname "$$(tests/setup.sh moto)")/taplo" check --schema "file://$(CURDIR)/docs/reference/project.schema.json" lambda-pack.toml examples/*/lambda-pack.toml

lint-workflows:
	"$$(tests/setup.sh actionlint)"
	"$$(tests/setup.sh zizmor)" --offline --quiet --persona pedantic .github action.yml
	"$$(dirname "$$(tests/setup.sh moto)")/check-jsonschema" --quiet --builtin-schema vendor.github-actions action.yml .github/actions/*/action.yml
	"$$(dirname "$$(tests/setup.sh moto)")/check-jsonschema" --quiet --builtin-schema vendor.gitlab-ci pipelines/gitlab-ci.yml

clean: ## Remove what building and running leave here; caches of the tests stay
	rm -rf "$(CARGO_TARGET_DIR)" dist .lambda-pack
