#!/usr/bin/env bash
#
# Deploys the policies in out/ENV to AWS: one CloudFormation stack for each service.
#
# Usage: ./deploy.sh [OPTION ...] ENV [SERVICE ...]
#
#   ENV         an environment: a folder of out/
#   SERVICE     a service of that environment; without any, all of them
#
#   --preview   show what a deploy would change, and change nothing
#   --drift     compare what IAM holds now with out/; exit 1 if anything differs
#   --destroy   delete the stacks, and with them the policies of the task roles
#   --recreate  delete a stack that never came up, then deploy it anew
#   --yes       do not ask; otherwise a protected environment, and --destroy anywhere, want its name typed
#   --help      show this
#   --          end of options
#
# From the environment:
#
#   PARAMETERS  values for parameters of the templates, other than out/ has: PARAMETERS="NAME=VALUE ..."
#   JOBS        how many services to work on at a time (default: 1)
#   AWS_...     what the AWS CLI reads: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and so on
#
# Exit codes: 0 done or nothing to do, 1 refused or failed, 2 wrong usage, 130 interrupted.
#
# How: `taskroles preflight` checks. `aws cloudformation deploy` makes a change set for each service. All are shown, then
# executed; those that were not executed are deleted at the end, however it comes. Every command that
# changes something in AWS is in this file: the Python beside it only reads.

# It keeps to what bash 3.2 and the sed, grep, date and mktemp of macOS know.

set -euo pipefail
unset CDPATH # with it, cd goes elsewhere and says so

script=${BASH_SOURCE[0]}
while [[ -L $script ]]; do # readlink -f is not everywhere
  link=$(readlink -- "$script")
  [[ $link == /* ]] || link=$(dirname -- "$script")/$link
  script=$link
done
here=$(cd -- "$(dirname -- "$script")" && pwd)
cd -- "$here"
PATH=$PATH:$here/.venv/bin # the AWS CLI that make has installed, where there is no other

# AWS CLI 1 and botocore read the region from AWS_DEFAULT_REGION alone.
[[ -z ${AWS_REGION-} ]] || export AWS_DEFAULT_REGION=$AWS_REGION
export AWS_PAGER='' AWS_RETRY_MODE=${AWS_RETRY_MODE:-standard} AWS_MAX_ATTEMPTS=${AWS_MAX_ATTEMPTS:-8}

main() {
  read_arguments "$@"
  if ((${#services[@]} == 0)); then
    echo "out/$environment has no templates: nothing to $action"
    return 0
  fi
  case $action in
    drift) taskroles drift -- "$environment" "${services[@]}" ;;
    destroy) destroy ;;
    *) deploy ;;
  esac
}

read_arguments() {
  action=deploy recreate='' yes='' environment='' services=() jobs=${JOBS:-1}
  local options=1 named=''
  while (($#)); do
    case $options$1 in
      1--preview | 1--drift | 1--destroy)
        [[ $action == deploy || $action == "${1#--}" ]] || usage_error "--$action and $1 exclude each other"
        action=${1#--}
        ;;
      1--recreate) recreate=--recreate ;;
      1--yes) yes=1 ;;
      1--help) sed -n '3,/^$/s/^# \{0,1\}//p' "$here/deploy.sh" && exit ;;
      1--) options=0 ;;
      1-*) usage_error "no option is called '$1'" ;;
      *) if [[ $named ]]; then services+=("$1"); else environment=$1 named=1; fi ;; # it may be empty
    esac
    shift
  done
  [[ $jobs =~ ^[1-9][0-9]{0,3}$ ]] || usage_error "JOBS is '$jobs', not a number from 1 to 9999"
  [[ -z $recreate || $action == deploy ]] || usage_error "--recreate and --$action exclude each other"
  read_stacks
  [[ $action == destroy || ($action == deploy && $protection == protected) ]] || yes=1
  [[ $yes || -t 0 ]] || usage_error "to $action $environment without a terminal takes --yes"
}

read_stacks() { # fills services, and beside it stacks, templates and parameters
  local known flag='' service stack template values
  [[ $action != destroy ]] || flag=--deployed # a service may have a stack though out/ no longer has it
  known=$(taskroles stacks $flag -- "$environment" ${services[@]+"${services[@]}"})
  services=() stacks=() templates=() parameters=()
  {
    read -r protection
    while IFS=$'\t' read -r service stack template values; do
      services+=("$service") stacks+=("$stack") templates+=("$template") parameters+=("$values")
    done
  } <<<"$known"
}

deploy() {
  local stuck
  stuck=$(taskroles preflight $recreate -- "$environment" "${services[@]}")
  begin
  if [[ $stuck ]]; then
    confirm 'delete what never came up and deploy it anew'
    delete <<<"$stuck"
    ((failed == 0)) || return 0
    rm -f "$work"/*
  fi
  in_batches make_change_sets
  taskroles changes "--directory=$work" -- "$environment" "${services[@]}"
  ! grep -q 'ended with exit code' "$work"/* || failed=1
  grep -q ':changeSet/' "$work"/* || return 0
  show_permissions
  [[ $action == deploy ]] || return 0
  confirm 'deploy this'
  in_batches execute
}

destroy() {
  local deployed
  deployed=$(taskroles status -- "$environment" "${services[@]}")
  if [[ ! $deployed ]]; then
    echo 'nothing to delete'
    return 0
  fi
  begin
  confirm 'delete these stacks and the policies in them'
  delete <<<"$deployed"
}

make_change_sets() { # INDEX ...
  local index
  for index; do make_change_set "$index" & done
  wait
}

make_change_set() { # the AWS CLI names change sets by the second: where another deploy was in the same, a second try
  local service=${services[$1]} template=${templates[$1]} values try
  IFS=$'\t' read -r -a values <<<"${parameters[$1]}"
  for try in 1 2; do
    record "$service" aws cloudformation deploy --no-execute-changeset --no-fail-on-empty-changeset \
      --stack-name "${stacks[$1]}" --template-file "$template" --capabilities CAPABILITY_IAM \
      ${values[@]+--parameter-overrides "${values[@]}"} \
      --tags "service=$service" "environment=$environment" "commit=$(commit "$template")"
    [[ $try == 1 ]] && grep -q 'AlreadyExistsException' "$work/$service" || return 0
    rm "$work/$service"
    sleep 1
  done
}

execute() { # INDEX ...
  local index service id batch=()
  for index; do
    service=${services[$index]}
    batch+=("$service")
    id=$(grep -o 'arn:[^ ]*:changeSet/[^ ]*' "$work/$service") || continue
    record "$service" aws cloudformation execute-change-set \
      --change-set-name "$id" --client-request-token "$token"
  done
  follow "${batch[@]}"
}

delete() { # reads lines of a service and the id of its stack
  local service id deleted=()
  while read -r service id; do
    deleted+=("$service")
    echo "$id" >"$work/$service"
    record "$service" aws cloudformation delete-stack \
      --stack-name "$id" --client-request-token "$token" </dev/null
  done
  follow "${deleted[@]}"
}

follow() {
  outcomes+=$(taskroles events "--token=$token" "--directory=$work" -- "$environment" "$@")$'\n' || failed=1
}

show_permissions() {
  local service flags=()
  for service in "${services[@]}"; do flags+=("--service=$service"); done
  echo
  taskroles review "--environment=$environment" "${flags[@]}" -- deployed
  echo
}

begin() {
  work=$(mktemp -d 2>/dev/null) || usage_error "no temporary folder can be made in ${TMPDIR:-/tmp} (TMPDIR)"
  token=deploy-$(date +%Y%m%dT%H%M%S)-$$ failed=0 outcomes=''
  trap finish EXIT
  trap 'exit 130' INT TERM
}

finish() { # the end, however it comes
  local code=$? kind id
  trap - EXIT
  trap '' INT TERM
  set +e # what cannot be cleaned up is said by the AWS CLI, and hides nothing else
  wait
  # What planning has left: change sets that nobody executed, and stacks that exist only to hold one.
  taskroles leftovers "--directory=$work" -- "$environment" "${services[@]}" | while read -r kind id; do
    aws cloudformation "delete-$kind" "--$kind-name" "$id" </dev/null 2>&1 | LC_ALL=C tr -cd '\n -~' >&2
  done
  if ((code == 130)); then
    printf '\ndeploy.sh: interrupted. AWS goes on with what it has begun:\n' >&2
    taskroles status -- "$environment" "${services[@]}" >/dev/null
  elif [[ $outcomes ]]; then
    printf '\n%s' "$outcomes"
  fi
  rm -rf "$work"
  exit $((code ? code : failed))
}

record() { # SERVICE COMMAND ...: what the command prints goes into the file of the service, and how it failed
  local file=$work/$1 code=0
  shift
  "$@" >>"$file" 2>&1 || code=$?
  ((code == 0)) || printf '\ndeploy.sh: %s ended with exit code %d\n' "$1 $2 $3" "$code" >>"$file"
}

commit() { # the last commit that changed a template: a newer one would update every policy for its tag alone
  local hash
  local safely=safe.bareRepository=explicit # not one that lies among the committed files: it could run programs
  hash=$(git -c $safely log -1 --abbrev=12 --format=%h -- "$1" 2>/dev/null) || true
  [[ -z $(git -c $safely status --porcelain -- "$1" 2>/dev/null) ]] || hash+=-changed
  echo "${hash:-unknown}"
}

confirm() { # asks once
  local answer=$environment
  [[ $yes ]] || read -r -p $'\n'"Type $environment to $1: " answer || true
  if [[ $answer != "$environment" ]]; then
    echo 'deploy.sh: not confirmed, and nothing was changed' >&2
    exit 1
  fi
  yes=1
}

in_batches() { # FUNCTION: calls it with the indices of JOBS services at a time
  local i
  local all=("${!services[@]}")
  for ((i = 0; i < ${#services[@]}; i += jobs)); do "$1" "${all[@]:i:jobs}"; done
}

taskroles() { # VERB ARGUMENT ...: runs the program that lies beside this script
  local interpreter=$here/.venv/bin/python
  [[ -x $interpreter ]] || interpreter=python3
  "$interpreter" -I taskroles "$@"
}

usage_error() {
  printf 'deploy.sh: %s\nHelp: ./deploy.sh --help\n' "$1" >&2
  exit 2
}

main "$@"
