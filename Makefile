# Each verb sets up what it needs on first use: python3 (3.10 or newer) and make are enough, GNU make 3.81 as well.
#
# What the command line and the environment give is data: make expands none of it, and no shell runs it. So each variable
# of the command line becomes a plain one here, recipes read "$$NAME" from their environment, and what this file defines
# is `override`, so that nobody else can. (No variable with a dot in its name is exported: such a one can run the loop.)

override define given
override $(given.name) := $(value $(given.name))
export $(given.name)
endef
$(foreach given.name,$(.VARIABLES),$(if $(filter command,$(origin $(given.name))),$(eval $(value given))))

override SHELL := /bin/sh
override .SHELLFLAGS := -c
override .DEFAULT_GOAL := help
override VPATH :=
override GPATH :=
override MAKEOVERRIDES :=
MAKEFLAGS += --no-print-directory
unexport BASH_ENV # bash runs what it holds

override BIN := .venv/bin
override RUN := $(BIN)/python -I taskroles
override SET_UP := sh requirements/set-up.sh

# $(call option,NAME,OPTION): adds an option to "$$@" where the variable says yes, and none where it says no.
override option = case "$$(printf %s "$$$1" | tr '[:upper:]' '[:lower:]')" in \
    1 | y | yes | true | on) set -- "$$@" $2 ;; \
    '' | 0 | n | no | false | off) ;; \
    *) printf '%s is neither yes (1) nor no (0)\n' "$1=$$$1" >&2; exit 2 ;; \
    esac

help: ## Show these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' Makefile

render: rendering ## Write out/ from services.yml, policies/ and templates/
	@$(BIN)/python -I render.py

access: render ## Write out/ACCESS.md, who may do what, with all else of out/

check: rendering ## Fail, with the difference, if out/ is not what `make render` would write
	@$(BIN)/python -I render.py --check

levels: rendering ## Print the levels that grants choose from, and bring docs/levels.md up to date: [SERVICE=<aws-service>]
	@$(RUN) levels --write -- $${SERVICE:+"$$SERVICE"}

lint: developing ## Lint out/, policies/, the schemas, the scripts and the code
	@$(RUN) gate
	@$(RUN) lint
	@$(RUN) levels --check
	@$(BIN)/check-jsonschema --quiet --check-metaschema taskroles/*/*.schema.json
	@set -- .github/workflows/*.y*ml; \
		! test -e "$$1" || $(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows "$$@"
	@$(BIN)/ruff check --quiet && $(BIN)/ruff format --check --quiet
	@set -- .ci/run; test -e "$$1" || shift; $(BIN)/shellcheck --norc deploy.sh requirements/set-up.sh "$$@"

test: developing check lint ## Check, lint and run every test
	@$(BIN)/pytest

# ENV is asked of a review of what is deployed alone: one that happens to be in the environment must hide nothing.
review: rendering ## What a pull request grants and revokes: [BASE=<revision>] [HEAD=] [FORMAT=markdown] [FAIL_ON=]
	@set --; case deployed in \
		"$$BASE" | "$$HEAD") $(SET_UP) render deploy && set -- $${ENV:+"--environment=$$ENV"} || exit ;; \
		esac; \
		$(RUN) review "$$@" $${FORMAT:+"--format=$$FORMAT"} $${FAIL_ON:+"--fail-on=$$FAIL_ON"} -- \
		"$${BASE:-refs/remotes/origin/main}" $${HEAD:+"$$HEAD"}

explain: rendering ## Who allows an action, or what would: SERVICE= ENV= ACTION= [RESOURCE=], or ERROR='...'
	@$(RUN) explain "--service=$$SERVICE" "--environment=$$ENV" "--action=$$ACTION" \
		"--resource=$$RESOURCE" "--error=$$ERROR"

preview: deploying ## Show what a deploy would change, and change nothing: ENV=<environment> [SERVICE=<service>]
	@set -f; ./deploy.sh --preview -- "$$ENV" $$SERVICE

deploy: deploying ## Deploy an environment: ENV=<environment> [SERVICE="<service> <service>"] [JOBS=4] [YES=1]
	@$(BIN)/python -I render.py --check >/dev/null || { test $$? = 1 || exit 2; \
		protection=$$($(RUN) stacks -- "$$ENV") || exit; \
		case $$protection in unprotected*) ;; *) echo "a protected environment takes no stale out/" >&2; exit 1 ;; esac; }
	@set --; $(call option,YES,--yes); $(call option,RECREATE,--recreate); \
		set -f; ./deploy.sh "$$@" -- "$$ENV" $$SERVICE

drift: deploying ## Compare what IAM holds now with out/: ENV=<environment> [SERVICE=<service>]
	@set -f; ./deploy.sh --drift -- "$$ENV" $$SERVICE

destroy: deploying ## Delete the stacks of an environment: ENV=<environment> [SERVICE=<service>] [YES=1]
	@set --; $(call option,YES,--yes); set -f; ./deploy.sh "$$@" --destroy -- "$$ENV" $$SERVICE

deployer: rendering ## The least policy that deploying takes: ENV=<environment> [SERVICE=] [FORMAT=json|cloudformation]
	@set -f; set --; for role in $$ROLES; do set -- "$$@" "--role=$$role"; done; \
		$(RUN) deployer $${FORMAT:+"--format=$$FORMAT"} "$$@" -- "$$ENV" $$SERVICE

demo: developing ## Deploy to a local AWS and use it as the task roles do; needs no account
	@$(BIN)/python demo/demo.py

coverage: developing ## How much of what people write, and of what AWS SAM has, the levels express
	@$(BIN)/python tests/levels/coverage.py

bench: developing ## Measure, next to a bare script and to other tools (minutes): [ROUNDS=20]
	@$(BIN)/python bench/bench.py $${ROUNDS:+"$$ROUNDS"}

override LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate \
	--custom-compile-command "make lock"

lock: developing ## Resolve the newest versions of all dependencies into requirements/, and the actions that exist
	@$(LOCK) --upgrade pyproject.toml --group develop --output-file requirements/develop.txt
	@$(LOCK) --upgrade pyproject.toml --constraint requirements/develop.txt --output-file requirements/render.txt
	@$(LOCK) --upgrade --group deploy --constraint requirements/develop.txt --output-file requirements/deploy.txt
	@$(LOCK) --upgrade --group audit --constraint requirements/develop.txt --output-file requirements/audit.txt
	@$(SET_UP) render deploy develop && $(RUN) actions

rendering:
	@$(SET_UP) render

deploying:
	@$(SET_UP) render deploy

developing:
	@$(SET_UP) render deploy develop

.PHONY: help render access check levels lint test review explain preview deploy drift destroy deployer demo coverage bench lock
.PHONY: rendering deploying developing
