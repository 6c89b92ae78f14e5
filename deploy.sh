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
# How: out/ is copied once (as committed, where ENV is protected), and all that follows is of the copy. `taskroles preflight`
# checks it. `aws cloudformation deploy` makes a change set for each service that changes. What AWS holds of these is
# compared with the copy, shown, and executed; what was not executed is deleted at the end, however it comes. Every command
# that changes something in AWS is in this file: the Python beside it only reads.

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
for name in AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_CA_BUNDLE AWS_WEB_IDENTITY_TOKEN_FILE; do
  [[ -z ${!name-} || ${!name} == /* ]] || export "$name=$PWD/${!name}" # it is read from other folders than this one
done
cd -- "$here"
PATH=$PATH:$here/.venv/bin # the AWS CLI that make has installed, where there is no other

# AWS CLI 1 and botocore read the region from AWS_DEFAULT_REGION alone.
[[ -z ${AWS_REGION-} ]] || export AWS_DEFAULT_REGION=$AWS_REGION
# What ~/.aws/config may ask of the AWS CLI for people: errors as tables, questions, other text than what is read here.
export AWS_CLI_ERROR_FORMAT=legacy AWS_CLI_AUTO_PROMPT=off AWS_DEFAULT_OUTPUT=json AWS_CLI_FILE_ENCODING=UTF-8
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

read_stacks() { # fills services, and beside it stacks, templates, digests, commits and parameters
  local known service stack template digest commit values
  begin
  if [[ $action == destroy ]]; then # a service, or all of ENV, may have stacks though out/ no longer has it
    known=$(taskroles stacks --deployed -- "$environment" ${services[@]+"${services[@]}"})
  else
    known=$(taskroles stacks "--copy-to=$work" -- "$environment" ${services[@]+"${services[@]}"})
  fi
  services=() stacks=() templates=() digests=() commits=() parameters=()
  {
    read -r protection
    while IFS=$'\t' read -r service stack template digest commit values; do
      services+=("$service") stacks+=("$stack") templates+=("$template")
      digests+=("$digest") commits+=("$commit") parameters+=("$values")
    done
  } <<<"$known"
}

deploy() {
  local todo what service id guarded stuck=''
  todo=$(of_copy preflight $recreate -- "$environment" "${services[@]}")
  while IFS=$'\t' read -r what service id guarded; do
    case $what in
      aws) aws_cli=$service ;;
      stuck) stuck+="$service $id $guarded"$'\n' ;;
      change) changing+=" $service " ;;
      guard) guarding=1 ;;
    esac
  done <<<"$todo"
  if [[ $stuck ]]; then
    confirm 'delete what never came up and deploy it anew'
    delete <<<"${stuck%$'\n'}" # no pipe: it says in variables how it went
    ((failed == 0)) || return 0
    rm -f "$said"/*
  fi
  # shellcheck disable=SC2046 # numbers
  in_batches make_change_sets $(indices is_changing)
  [[ ! $lost ]] || return 0
  of_copy changes -- "$environment" "${services[@]}"
  ! grep -q 'ended with exit code' "$said"/* 2>/dev/null || failed=1
  if grep -q ':changeSet/' "$said"/* 2>/dev/null; then
    show_permissions
  elif [[ ! $guarding ]]; then
    return 0
  fi
  [[ $action == deploy ]] || return 0
  confirm 'deploy this'
  # shellcheck disable=SC2046 # numbers
  in_batches execute $(indices is_made)
  guard
  held
}

destroy() {
  local deployed
  deployed=$(taskroles status --ours -- "$environment" "${services[@]}")
  IFS=$'\t' read -r _ aws_cli <<<"$deployed"
  deployed=${deployed#*$'\n'}
  if [[ $deployed == aws$'\t'* ]]; then # nothing after it
    echo 'nothing to delete'
    return 0
  fi
  confirm 'delete these stacks and the policies in them'
  delete <<<"$deployed"
}

make_change_sets() { # INDEX ...
  local index
  for index; do make_change_set "$index" & done
  wait
  if grep -qE 'ExpiredToken|has expired' "$said"/* 2>/dev/null; then # nothing else is tried with it
    echo 'deploy.sh: the credentials have expired, and nothing was changed; log in again, and run this again' >&2
    failed=1 lost=1
  fi
}

make_change_set() { # the AWS CLI names change sets by the second: where another deploy was in the same, a second try
  local service=${services[$1]} values try tags
  IFS=$'\t' read -r -a values <<<"${parameters[$1]}"
  tags=("service=$service" "environment=$environment" "template=${digests[$1]}" "deploy=$token")
  [[ ${commits[$1]} == - ]] || tags+=("commit=${commits[$1]}")
  for try in 1 2; do
    record "$service" aws cloudformation deploy --no-execute-changeset --no-fail-on-empty-changeset \
      --stack-name "${stacks[$1]}" --template-file "$work/${templates[$1]}" --capabilities CAPABILITY_IAM \
      ${values[@]+--parameter-overrides "${values[@]}"} --tags "${tags[@]}" || true
    [[ $try == 1 ]] && grep -q 'AlreadyExistsException' "$said/$service" || return 0
    rm "$said/$service"
    sleep 1
  done
}

execute() { # INDEX ...
  local index batch=()
  for index; do
    batch+=("${services[index]}")
    execute_change_set "${services[index]}" "${stacks[index]}" &
  done
  wait
  follow "${batch[@]}"
}

execute_change_set() { # SERVICE STACK
  local id
  id=$(grep -o 'arn:[^ ]*:changeSet/[^ ]*' "$said/$1") || return 0
  record "$1" aws cloudformation execute-change-set --stack-name "$2" \
    --change-set-name "$id" --client-request-token "$token" || return 0
  echo 'deploy.sh: executed' >>"$said/$1"
}

delete() { # reads lines of a service, the id of its stack, and whether that is guarded
  local line lines=()
  while read -r line; do lines+=("$line"); done
  in_batches delete_stacks "${lines[@]}"
}

delete_stacks() { # LINE ...
  local line batch=()
  for line; do
    batch+=("${line%% *}")
    # shellcheck disable=SC2086 # its words
    delete_stack $line &
  done
  wait
  follow "${batch[@]}"
}

delete_stack() { # SERVICE ID [GUARDED]
  echo "deploy.sh: deletes $2" >"$said/$1"
  if [[ ${3-} == guarded ]]; then
    record "$1" aws cloudformation update-termination-protection \
      --no-enable-termination-protection --stack-name "$2" || return 0
  fi
  record "$1" aws cloudformation delete-stack --stack-name "$2" --client-request-token "$token" || true
}

follow() { # SERVICE ...
  local code=0
  by='exec' of_copy events "--token=$token" -- "$environment" "$@" >"$work/ended" &
  following=$! # in the background, since bash hears of a signal only between commands
  wait "$following" || code=$?
  following=''
  outcomes+=$(<"$work/ended")$'\n'
  ((code == 0)) || failed=1
  ((code != 3)) || lost=1 # AWS can be asked no longer
}

guard() { # a protected environment's stacks against being deleted otherwise than by --destroy
  local known service id begun=0 _
  [[ $guarding && ! $lost ]] || return 0
  known=$(of_copy status --unguarded -- "$environment" "${services[@]}") || failed=1
  while read -r service id _; do
    [[ $id ]] || continue
    enable_termination_protection "$service" "$id" &
    ((++begun % jobs)) || wait
  done <<<"$known"
  wait
  if grep -h '' "$work"/unguarded.* 2>/dev/null | visible >&2; then failed=1; fi
}

enable_termination_protection() { # SERVICE ID
  local said what="deploy.sh: $1 is deployed, and its stack is not protected against being deleted"
  said=$(aws cloudformation update-termination-protection --enable-termination-protection --stack-name "$2" \
    </dev/null 2>&1 >/dev/null) || tr '\n' ' ' <<<"$what: $said" >"$work/unguarded.$1"
}

held() { # whether the roles hold in IAM what was deployed
  local deployed
  deployed=$(deployed_services)
  # shellcheck disable=SC2086 # names of services, without blanks
  [[ ! $deployed || $lost ]] || of_copy held -- "$environment" $deployed || failed=1
}

deployed_services() { # on one line
  sed -n 's/^\([^ ]*\) *deployed (.*/\1/p' <<<"$outcomes" | tr '\n' ' '
}

show_permissions() {
  local service flags=()
  for service in "${services[@]}"; do flags+=("--service=$service"); done
  echo
  of_copy review "--environment=$environment" "${flags[@]}" -- deployed
  echo
}

begin() {
  work=$(mktemp -d 2>/dev/null) || usage_error "no temporary folder can be made in ${TMPDIR:-/tmp} (TMPDIR)"
  said=$work/said token=deploy-$(date +%Y%m%dT%H%M%S)-$RANDOM$RANDOM$RANDOM
  changing='' guarding='' failed=0 lost='' outcomes='' following=''
  mkdir "$said"
  trap finish EXIT
  trap 'exit 130' INT TERM
}

finish() { # the end, however it comes
  local code=$?
  trap - EXIT
  trap '' INT TERM
  set +e # what cannot be cleaned up is said, and hides nothing else
  [[ ! $following ]] || kill "$following" 2>/dev/null
  wait
  [[ ! -e $work/plan.json || -z $(ls "$said") ]] || clean_up
  if ((code == 130)) && [[ $(ls "$said") ]]; then
    printf '\ndeploy.sh: interrupted. AWS goes on with what it has begun:\n' >&2
    taskroles status -- "$environment" "${services[@]}" >/dev/null
  elif [[ $outcomes ]]; then
    printf '\n%s' "$outcomes"
  fi
  rm -rf "$work"
  exit $((code ? code : failed))
}

clean_up() { # change sets that nobody executed, and stacks to hold one
  local kind id stack begun=0 service left=''
  if [[ $lost ]]; then
    for service in "${services[@]}"; do
      ! is_made "$service" || grep -q '^deploy.sh: executed' "$said/$service" || left+=" $service"
    done
    [[ ! $left ]] || echo "deploy.sh: change sets may be left in AWS, which can be asked no longer:$left" >&2
    return 0
  fi
  of_copy leftovers "--token=$token" -- "$environment" "${services[@]}" >"$work/leftovers"
  while read -r kind id stack; do
    aws cloudformation "delete-$kind" "--$kind-name" "$id" ${stack:+--stack-name "$stack"} \
      </dev/null 2>&1 >/dev/null | visible >&2 &
    ((++begun % jobs)) || wait
  done <"$work/leftovers"
  wait
}

record() { # SERVICE COMMAND ...: what the command prints goes into the file of the service, and how it failed
  local file=$said/$1 code=0
  shift
  "$@" </dev/null >>"$file" 2>&1 || code=$?
  ((code == 0)) || printf '\ndeploy.sh: %s ended with exit code %d\n' "$1 $2 $3" "$code" >>"$file"
  return "$code"
}

visible() { # what the AWS CLI says goes to a terminal: what a terminal obeys does not
  LC_ALL=C tr -cd '\n -~'
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

indices() { # TEST: of the services that pass it
  local index
  for index in "${!services[@]}"; do
    ! "$1" "${services[index]}" || echo "$index"
  done
}

is_changing() { [[ $changing == *" $1 "* ]]; }

is_made() { [[ -e $said/$1 ]]; } # or failed to be, which is said of it too

in_batches() { # FUNCTION WORK ...: calls it with JOBS of them at a time
  local work_on=$1 count=$(($# - 1)) begun=0
  shift
  while (($#)); do
    if [[ $lost ]]; then
      local each names=''
      for each; do [[ $each == *' '* ]] && names+=" ${each%% *}" || names+=" ${services[each]}"; done
      echo "deploy.sh: not begun:$names" >&2
      return 0
    fi
    progress "$begun" "$count"
    "$work_on" "${@:1:jobs}"
    begun=$((begun + jobs))
    shift $(($# < jobs ? $# : jobs))
  done
  progress "$count" "$count"
}

progress() { # DONE COUNT: where people wait
  if [[ ! -t 2 ]] || (($2 <= jobs)); then return 0; fi
  if (($1 < $2)); then printf '\r%d of %d services\r' "$1" "$2" >&2; else printf '\r\033[K' >&2; fi
}

taskroles() { # ARGUMENT ...: runs the program that lies beside this script
  local interpreter=$here/.venv/bin/python
  [[ -x $interpreter ]] || interpreter=python3
  ${by-} "$interpreter" -I taskroles "$@"
}

aws() { # ARGUMENT ...: the AWS CLI that was found good
  command "${aws_cli:-aws}" "$@"
}

of_copy() { # VERB ARGUMENT ...: runs it on the copy of out/
  taskroles --in "$work" "$@"
}

usage_error() {
  printf 'deploy.sh: %s\nHelp: ./deploy.sh --help\n' "$1" >&2
  exit 2
}

main "$@"
