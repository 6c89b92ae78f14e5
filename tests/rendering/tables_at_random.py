"""Tables at random, in all of the grammar: right ones, and such as are made to be misread."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

    Pick = Callable[..., st.SearchStrategy[Any]]

# Of each AWS service: the levels that take no target, those that take one, and those that take a prefix too.
LEVELS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "cloudformation": (("full",), ("read",), ()),
    "sqs": (("full",), ("consume", "send"), ()),
    "dynamodb": (("full",), ("read", "read-write"), ()),
    "rds": (("full",), ("describe",), ()),
    "s3": ((), ("full",), ("read", "read-write", "read-write-objects")),
    "ssm": (("full",), ("read",), ()),
    "elasticache": (("full",), ("describe",), ()),
}
# What breaks out of YAML, Jinja, a shell, a path, a pattern or a terminal; and what YAML takes for no text.
ODD = (
    *("${VPCName}", "${EnvType}", "${AWS::Region}", "${", "${}", "${!X}", "$", "{{ 7*7 }}", "{{", "}}", "{% raw %}"),
    *("{% include 'x' %}", "{#", "#}", '"', "'", "\\", "\n", "\r", "\t", "\0", "\x1b[31m", "\x85", "\u2028", "\ufeff"),
    *(": ", " #", "- ", "? ", "&a ", "*a", "<<: *a", "!Sub ", "!!python/object/apply:os.system [id]", "%YAML 1.1"),
    *("|", ">", "[", "]", "{", "}", ",", "---", "...", "$(id)", "`id`", ";id", "../", "/", "/etc/passwd", "C:\\"),
    *("on", "no", "yes", "null", "~", "1e3", "0x10", "0o7", "1_000", "2026-01-01", "=", "default", "none", "dev"),
    *("*", ".*", "(", "^$", "a", "-", "_", ".", "é", "で", "😀", "x" * 64, "y" * 1100, " ", "", "{service}", "{x}"),
)
ANYTHING = st.lists(st.sampled_from(ODD) | st.text(max_size=3), max_size=4).map("".join)
WRITERS: tuple[Callable[[Any], str], ...] = (
    json.dumps,
    lambda data: json.dumps(data, ensure_ascii=False, indent=1),
    lambda data: yaml.safe_dump(data, sort_keys=False),
    lambda data: yaml.safe_dump(data, allow_unicode=True, default_style='"', width=20),
)
TARGETS = ("queue", "on", "no", "null", "a-1")


def right(*usual: Any) -> st.SearchStrategy[Any]:
    """Return one of `usual`."""
    return st.sampled_from(usual)


def usually(*usual: Any) -> st.SearchStrategy[Any]:
    """Return one of `usual`, most of the time; else text that is made to be misread."""
    return st.sampled_from([*usual * 8, None]).flatmap(lambda found: ANYTHING if found is None else st.just(found))


def settings(pick: Pick) -> st.SearchStrategy[dict[str, Any]]:
    """Return the settings of an environment."""
    truth = pick("true", "false", "true")
    return st.fixed_dictionaries(
        {},
        optional={
            "protected": truth,
            "wildcards": truth,
            "account": pick("123456789012", "012345678901"),
            "region": pick("eu-west-1", "ap-northeast-1"),
        },
    )


def environments(pick: Pick) -> st.SearchStrategy[Any]:
    """Return environments, as a list or as a map; `dev` is the first one, for policies to speak of."""
    others = st.lists(pick("qa", "eu-west-live", "2nd", "Prod", "on"), max_size=2, unique=True)
    as_list = others.map(lambda names: ["dev", *names])
    return as_list | as_list.flatmap(lambda names: st.fixed_dictionaries({name: settings(pick) for name in names}))


def grants(pick: Pick, aws_service: str) -> st.SearchStrategy[Any]:
    """Return a grant, or several."""
    alone, narrowed, with_prefix = LEVELS.get(aws_service, LEVELS["sqs"])
    choices = [pick(*alone)] if alone else []
    choices += [st.dictionaries(pick(*narrowed), pick(*TARGETS), min_size=1, max_size=1)] * 2
    if with_prefix:
        options = st.fixed_dictionaries(
            {"target": pick(*TARGETS)}, optional={"prefix": pick("incoming/", "2026", "'\"\\#:")}
        )
        choices += [st.dictionaries(pick(*with_prefix), options, min_size=1, max_size=1)]
    one = st.one_of(*choices)
    return one | st.lists(one, min_size=1, max_size=2, unique_by=json.dumps)


def policies(pick: Pick, aws_service: str) -> st.SearchStrategy[Any]:
    """Return a policy: grants, or grants by environment."""
    each = grants(pick, aws_service)
    return each | st.fixed_dictionaries({"dev": each | st.just("none"), "default": each})


def values(pick: Pick) -> st.SearchStrategy[Any]:
    """Return text in which parameters may stand."""
    return pick("${Stack}-x-${EnvType}", "queue", "x-${AWS::Region}", "${Name}", "a" * 40)


def found_by(pick: Pick) -> st.SearchStrategy[dict[str, Any]]:
    """Return one way to find a target. Its ARN is of any AWS service."""
    arn = pick("arn:aws:s3:::b", "arn:aws:sqs:eu-west-1:123456789012:${EnvType}", "arn:${AWS::Partition}:s3:::${Stack}")
    ways = {
        "import": values(pick),
        "import-arn": values(pick),
        "name": pick("/path/", "q-1") | values(pick),
        "arn": arn,
    }
    return st.one_of(*(st.fixed_dictionaries({kind: value}) for kind, value in ways.items()))


def targets(pick: Pick) -> st.SearchStrategy[dict[str, Any]]:
    """Return a target, the same everywhere or by environment."""
    one = found_by(pick)
    return one | st.fixed_dictionaries({"dev": one, "default": one})


def services(pick: Pick) -> st.SearchStrategy[dict[str, Any]]:
    """Return a service."""
    role = values(pick) | st.fixed_dictionaries({"name": pick("app-${EnvType}", "${Stack}-app", "app")})
    names = st.lists(pick(*LEVELS), min_size=1, max_size=3, unique=True)
    policy = names.flatmap(lambda found: st.fixed_dictionaries({name: policies(pick, name) for name in found}))
    return st.fixed_dictionaries({"task_role": role, "policies": policy})


def names(pick: Pick) -> st.SearchStrategy[dict[str, Any]]:
    """Return patterns of names."""
    return st.fixed_dictionaries(
        {},
        optional={
            "stack": pick("acme-{service}-{environment}", "{service}{Environment}x", "a{environment}-{service}"),
            "template": pick("{service}-{environment}.yml", "t-{service}-{service}.yml", "{Environment}.{service}.yml"),
            "policy": pick(
                "{AwsService}-{service}-${EnvType}", "{service}{AwsService}{Environment}", "${Stack}-{AwsService}"
            ),
        },
    )


def tables(pick: Pick) -> st.SearchStrategy[dict[str, Any]]:
    """Return the data of a services.yml."""
    service = st.dictionaries(
        pick("backend", "on", "no", "null", "y", "e3", "a" * 60), services(pick), min_size=1, max_size=2
    )
    value = pick("acme-vpc", "no", "1e3", "x.y_z@1")
    parameter = value | st.fixed_dictionaries({"dev": value, "default": value})
    parts = {
        "names": names(pick),
        "parameters": st.fixed_dictionaries({"Stack": parameter, "Name": parameter}),
        "environments": environments(pick),
        "targets": st.fixed_dictionaries({name: targets(pick) for name in TARGETS}),
        "services": service,
    }
    return st.fixed_dictionaries(parts).map(without_unused_targets)


ARNS = {
    "cloudformation": "arn:aws:cloudformation:eu-west-1:123456789012:stack/${Stack}/9a8b",
    "sqs": "arn:aws:sqs:eu-west-1:123456789012:q-${EnvType}",
    "dynamodb": "arn:${AWS::Partition}:dynamodb:eu-west-1:123456789012:table/t",
    "rds": "arn:aws:rds:eu-west-1:123456789012:db:d",
    "s3": "arn:aws:s3:::b",
    "ssm": "arn:aws:ssm:eu-west-1:123456789012:parameter/a/p",
    "elasticache": "arn:aws:elasticache:eu-west-1:123456789012:replicationgroup:g",
}


def with_fitting_targets(table: dict[str, Any]) -> dict[str, Any]:
    """Give each target that is an ARN one of the AWS service that is granted on it, a name if there are several.

    And a path, which only parameters have, becomes a name elsewhere.
    """
    policies = [policy for service in table["services"].values() for policy in service["policies"].items()]

    def fitting(name: str, found_by: dict[str, Any]) -> dict[str, Any]:
        if "dev" in found_by:
            return {environment: fitting(name, each) for environment, each in found_by.items()}
        of = {aws_service for aws_service, policy in policies if f'": "{name}"' in json.dumps({"": policy})}
        arn = {"arn": ARNS[min(of)]} if len(of) == 1 else {"name": "queue"}
        path = found_by.get("name", "").startswith("/") and of != {"ssm"}
        return arn if "arn" in found_by else {"name": "queue"} if path else found_by

    return {**table, "targets": {name: fitting(name, target) for name, target in table["targets"].items()}}


def without_unused_targets(table: dict[str, Any]) -> dict[str, Any]:
    """Leave out the targets that no grant uses."""
    said = json.dumps(table["services"])
    used = {name: target for name, target in table["targets"].items() if f'": "{name}"' in said}
    return {**table, "targets": used}
