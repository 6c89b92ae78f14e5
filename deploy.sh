#!/usr/bin/env bash
# Deploy the templates of one environment: the article's helper script, with one stack for each environment.
#
# usage: ./deploy.sh ENV [SERVICE...]      for instance ./deploy.sh Staging backend
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

environment=${1:-}
shift || true
if [[ ! $environment =~ ^[A-Z][A-Za-z0-9]*$ || ! -d out/$environment ]]; then
  echo "usage: ./deploy.sh ENV [SERVICE...]; ENV is one of: $(cd out && echo */)" >&2
  exit 2
fi

for template in out/"$environment"/sample-ecs-taskrole-*-cfn.yml; do
  service=${template##*/sample-ecs-taskrole-}
  service=${service%-cfn.yml}
  [[ $# -eq 0 || " $* " == *" $service "* ]] || continue
  aws cloudformation deploy --no-fail-on-empty-changeset --capabilities CAPABILITY_IAM \
    --stack-name "mynavi-sample-ecs-taskrole-$service-$(tr '[:upper:]' '[:lower:]' <<<"$environment")" \
    --template-file "$template" --parameter-overrides "EnvType=$environment" ${VPC_NAME:+"VPCName=$VPC_NAME"}
done
