# Each verb sets up what it needs on first use: python3 (3.10 or newer) and make are enough.

PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python -I taskroles
MAKEFLAGS += --no-print-directory

# What a command line gives, make would expand before it passes it on; a pasted message has to stay as it is.
$(foreach name,ACTION BASE ENV ERROR FAIL_ON FORMAT HEAD RESOURCE SERVICE,$(eval export override $(name) := $$(value $(name))))

help: ## Show these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

render: .venv/rendering ## Write out/ from services.yml, policies/ and templates/
	@$(BIN)/python -I render.py

access: render ## Write out/ACCESS.md, who may do what, with all else of out/

check: .venv/rendering ## Fail, with the difference, if out/ is not what `make render` would write
	@$(BIN)/python -I render.py --check

lint: .venv/developing ## Lint out/, the schema, the scripts and the code
	@$(RUN) lint
	@$(BIN)/check-jsonschema --quiet --check-metaschema taskroles/*/*.schema.json
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/ruff check --quiet && $(BIN)/ruff format --check --quiet
	@$(BIN)/shellcheck deploy.sh .ci/run

test: .venv/developing check lint ## Check, lint and run every test
	@$(BIN)/pytest

review: .venv/developing ## What a pull request grants and revokes: [BASE=origin/main] [HEAD=] [FORMAT=markdown] [FAIL_ON=]
	@$(RUN) review $${FORMAT:+--format "$$FORMAT"} $${FAIL_ON:+--fail-on "$$FAIL_ON"} "$${BASE:-origin/main}" $${HEAD:+"$$HEAD"}

explain: .venv/developing ## Who allows an action, or what would: SERVICE= ENV= ACTION= [RESOURCE=], or ERROR='...'
	@$(RUN) explain --service="$$SERVICE" --environment="$$ENV" --action="$$ACTION" \
		--resource="$$RESOURCE" --error="$$ERROR"

preview: .venv/developing ## Show what a deploy would change, and change nothing: ENV=Staging [SERVICE=backend]
	@set -f; ./deploy.sh --preview "$$ENV" $$SERVICE

deploy: .venv/developing ## Deploy an environment: ENV=Staging [SERVICE="backend frontend"] [JOBS=4] [YES=1]
	@$(BIN)/python -I render.py --check >/dev/null || test $$? = 1 -a "$$ENV" != Production
	@set -f; ./deploy.sh $${YES:+--yes} $${RECREATE:+--recreate} "$$ENV" $$SERVICE

drift: .venv/developing ## Compare what IAM holds now with out/: ENV=Staging [SERVICE=backend]
	@set -f; ./deploy.sh --drift "$$ENV" $$SERVICE

destroy: .venv/developing ## Delete the stacks of an environment: ENV=Staging SERVICE=backend
	@set -f; ./deploy.sh $${YES:+--yes} --destroy "$$ENV" $$SERVICE

demo: .venv/developing ## Deploy to a local AWS and use it as the task roles do; needs no account
	@$(BIN)/python demo/demo.py

bench: .venv/developing ## Measure, next to a bare script and to other tools (minutes): [ROUNDS=20]
	@$(BIN)/python bench/bench.py $$ROUNDS

lock: .venv/developing ## Resolve the newest versions of all dependencies into requirements*.txt
	@$(BIN)/uv pip compile $(LOCK) --group render --output-file requirements.txt
	@$(BIN)/uv pip compile $(LOCK) --group develop --constraint requirements.txt --output-file requirements-dev.txt

LOCK := --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

.venv/rendering: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "$(PYTHON) is older than Python 3.10; try make PYTHON=python3.12" >&2; exit 2; }
	@echo "setting up .venv for rendering" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

.venv/developing: requirements-dev.txt .venv/rendering
	@echo "setting up .venv for developing (a minute)" >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

.PHONY: help render access check lint test review explain preview deploy drift destroy demo bench lock
