"""Which keys of a condition limit what a statement reaches: not those that hold always, or that only tell of the caller.

A task role is one principal: who asks, from where, when and over which connection is the same for all that it does, and
a region or an account that may be named in `*` leaves it as wide (`places.is_everything`). So the keys that limit are
listed here, after "Actions, resources, and condition keys for AWS services" in the Service Authorization Reference and
"AWS global condition context keys" in the IAM User Guide; all others limit nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from taskroles.access.canonical import UNKNOWN
from taskroles.access.conditions import parse
from taskroles.access.patterns import action_matches, glob_matches, is_wildcard, letters
from taskroles.access.places import is_everything
from taskroles.access.reading import with_values

if TYPE_CHECKING:
    from taskroles.access.conditions import Part

# What they name is what is reached, or what it is reached for; in small letters, and those that end in `:` or `/` go on.
OF_THE_RESOURCE = (
    *("bedrock:inferenceprofilearn", "cloudwatch:namespace", "ec2:vpc", "ecs:cluster"),
    *("elasticfilesystem:accesspointarn", "iam:awsservicename", "kms:encryptioncontext:", "kms:requestalias"),
    *("kms:resourcealiases", "kms:viaservice", "lambda:functionarn"),
    *("route53:changeresourcerecordsetsnormalizedrecordnames", "s3:dataaccesspointarn", "s3:existingobjecttag/"),
    *("secretsmanager:name", "secretsmanager:secretid", "servicediscovery:namespacearn"),
    *("servicediscovery:namespacename", "servicediscovery:servicearn", "servicediscovery:servicename"),
    *("ses:fromaddress",),
)
# What they name is what comes of it: whom a role is passed to, which policy is attached.
OF_THE_RIGHTS = (
    *("iam:associatedresourcearn", "iam:passedtoservice", "iam:permissionsboundary", "iam:policyarn"),
    *("kms:grantisforawsresource",),
)
PASSES = "iam:PassRole"
ALWAYS_SENT = frozenset({"iam:passedtoservice"})  # where a role is passed, and with no other action
RESOURCE_TAG = re.compile(r"[a-z0-9-]+:resourcetag/.")
MADE_BY = re.compile(r"[a-z0-9-]+:createaction")  # a tag, while its resource is made
REQUEST_TAG = "aws:requesttag/"  # of what is made; a session takes the tags that its caller likes
MATCHES = ("StringEquals", "StringEqualsIgnoreCase", "BinaryEquals")
LIKENS = ("StringLike", "ArnLike")
# what is left of "*@*", "*.amazonaws.com" or "*.eu-west-1.amazonaws.com" names no AWS service
OF_ANY = re.compile(r"[*?:./@-]|[a-z]{2}(-[a-z]+)+-\d|amazonaws|com|cn|arn|aws|alias")
OF_ONE = ("ecs:cluster", "iam:passedtoservice", "iam:awsservicename", "kms:viaservice", "secretsmanager:secretid")
# A pattern that is meant for one of these matches no other.
SEVERAL = (
    *(
        tuple(f"{service}{rest}" for service in ("ec2", "ecs-tasks", "glue", "lambda", "s3", "sqs"))
        for rest in (".amazonaws.com", ".eu-west-1.amazonaws.com")
    ),
    ("arn:aws:ecs:eu-west-1:111122223333:cluster/web", "arn:aws:ecs:us-east-2:444455556666:cluster/jobs-2"),
    (
        "arn:aws:secretsmanager:eu-west-1:111122223333:secret:web-K8s1Zq",
        "arn:aws:secretsmanager:us-east-2:444455556666:secret:jobs/2-x0Y9Tv",
    ),
)
# Whose values are policies, and those that leave next to nothing out.
POLICIES = ("iam:policyarn", "iam:permissionsboundary")
ALL_RIGHTS = tuple(
    f"arn:aws:iam::aws:policy/{name}" for name in ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
)


def limiting_keys(condition: Any, values: dict[str, str], action: str = "*") -> frozenset[str]:
    """Return the keys, in small letters, by which a Condition limits an action; `values` are those of parameters.

    Of an Fn::If among the values of a key, each branch counts; what is not understood limits nothing.
    """
    if not isinstance(condition, dict):
        return frozenset()
    parts = parse({operator: _with_branches(keys) for operator, keys in condition.items()})
    parts = [part._replace(values=frozenset(with_values(text, values) for text in part.values)) for part in parts]
    sent = {part.key.lower() for part in parts if part.operator == "Null" and part.values == {"false"}}
    sent |= ALWAYS_SENT if action.lower() == PASSES.lower() else frozenset()
    return frozenset(part.key.lower() for part in parts if _limits(part, sent))


def narrows(keys: frozenset[str]) -> bool:
    """Tell whether one of these keys tells which resources are reached, as a Resource does."""
    return any(_is_of_the_resource(key) or key.startswith(REQUEST_TAG) for key in keys)


def limits_rights(keys: frozenset[str], action: str = "") -> bool:
    """Tell whether one of these keys limits what an action (a pattern) that can gain further rights can gain.

    "Do not try to control who can pass a role by tagging the role" (IAM User Guide, Grant a user permissions to pass a
    role to an AWS service): of what is passed, a tag says nothing.
    """
    passes = action_matches(action, PASSES)
    return any(key in OF_THE_RIGHTS or (_is_of_the_resource(key) and not passes) for key in keys)


def _is_of_the_resource(key: str) -> bool:
    named = any(key == each or (each[-1] in ":/" and key.startswith(each)) for each in OF_THE_RESOURCE)
    return bool(named or RESOURCE_TAG.match(key) or MADE_BY.fullmatch(key))


def _limits(part: Part, sent: set[str]) -> bool:
    """Tell whether a part can be false for a request that the caller can make as it likes."""
    _, _, name = part.operator.rpartition(":")
    if (part.operator.startswith("ForAllValues") or name.endswith("IfExists")) and part.key.lower() not in sent:
        return False  # holds without the key
    name = name.removesuffix("IfExists")
    if any(re.search(rf"\$\{{variable {re.escape(part.key.lower())}[,}}]", value) for value in part.values):
        return False  # it is what it is
    if part.key.lower() in POLICIES and any(map(_has_all_rights, part.values)):
        return False
    if name in LIKENS:
        return not any(
            _is_any(value) or (part.key.lower() in OF_ONE and _is_of_several(value)) for value in part.values
        )
    if name == "Null":
        return part.values == {"false"} and bool(RESOURCE_TAG.match(part.key.lower()))
    return name in MATCHES or (name == "Bool" and part.values == {"true"})


def _is_any(pattern: str) -> bool:
    """Tell whether a value of StringLike or ArnLike is anything, any AWS service, or everything of a kind."""
    if UNKNOWN in pattern or is_everything(pattern):
        return True
    text = "".join(letter for letter in letters(pattern) if not letter.startswith("${AWS::"))
    return is_wildcard(text) and not OF_ANY.sub("", text)


def _is_of_several(pattern: str) -> bool:
    """Tell whether a pattern matches several AWS services, clusters or secrets that have nothing in common."""
    return any(sum(glob_matches(pattern, name) for name in names) > 1 for names in SEVERAL)


def _has_all_rights(value: str) -> bool:
    """Tell whether a policy, or one that a pattern matches, allows all or nearly all."""
    pattern = value.replace("${AWS::Partition}", "aws")
    return any(glob_matches(pattern, arn) for arn in ALL_RIGHTS)


def _with_branches(keys: Any) -> Any:
    return {key: _branches(value) for key, value in keys.items()} if isinstance(keys, dict) else keys


def _branches(value: Any) -> list[Any]:
    """Return the values that a value of a condition may be."""
    match value:
        case list():
            return [each for part in value for each in _branches(part)]
        case {"Fn::If": [_, one, other], **rest} if not rest:
            return _branches(one) + _branches(other)
        case {"Ref": "AWS::NoValue"}:
            return []
    return [value]
