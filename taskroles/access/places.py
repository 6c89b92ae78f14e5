"""How far a resource pattern reaches, and how that is said: one thing, every thing of a kind, or everything."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from taskroles.access.actions import types_of
from taskroles.access.canonical import UNKNOWN_KIND
from taskroles.access.patterns import includes, is_wildcard, letters

IMPORT = re.compile(r"\$\{import ((?:[^{}]|\{[^{}]*\})*)\}")
ACCOUNT = re.compile(r"[0-9]{12}")
ALL = re.compile(r"/?\*+(\?\*+)?|/?\?\*+")  # matches every name
IN_PARTS = ("log-group", "task-definition")  # whose ARNs go on after the name, with `:*` or a revision
# what is the same in the ARN of everything in this account and region
HERE = re.compile(r"^arn:\$\{AWS::Partition\}:(?:[\w-]+:(?:\$\{AWS::Region\})?:(?:\$\{AWS::AccountId\})?:(?=.))?")
PRINCIPAL = "AWS "  # before the principal of a trust that is an account, or an ARN
# AWS services whose ARNs name no kind: what follows the account is the name of a bucket, queue, API ...
WITHOUT_KINDS = frozenset({"codecommit", "codepipeline", "execute-api", "s3", "sns", "sqs"})
ONLY_WILD = frozenset("*?:/-.")
# With what AWS begins the ids of all that an AWS service has of a kind: `instance/i-*` leaves none out.
BEGINNINGS = {
    "ec2": re.compile(r"(?<=/)(?:ami|eni|i|rtb|sg|snap|subnet|vol|vpc|vpce)-(?=[*?])"),
    "elasticfilesystem": re.compile(r"(?<=/)(?:fs|fsap)-(?=[*?])"),
    "rds-db": re.compile(r"(?<=dbuser:)(?:cluster|db|prx)-(?=[*?])"),
    "route53": re.compile(r"(?<=hostedzone/)Z(?=[*?])"),
    "ssm": re.compile(r"(?<=instance/)mi-(?=[*?])"),
}
SYMBOLIC = ("", "${AWS::Region}", "${AWS::AccountId}")


class Arn(NamedTuple):
    """The fields of an ARN pattern; those that a wildcard before them may stand for are `*`."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


@lru_cache(maxsize=4096)
def arn_of(pattern: str) -> Arn | None:
    """Return the fields of a pattern in canonical text, None if it is no ARN."""
    fields = [""]
    for letter in letters(pattern):
        if letter == ":" and len(fields) < 6:  # noqa: PLR2004 - arn:partition:service:region:account:resource
            fields.append("")
        else:
            fields[-1] += letter
    if fields[0] not in ("arn", "*", "arn*"):
        return None
    if len(fields) < 6 and fields[-1].endswith("*"):  # noqa: PLR2004 - its wildcard goes on over the other fields
        fields += ["*"] * (6 - len(fields))
    return Arn(*fields[1:]) if len(fields) == 6 else None  # noqa: PLR2004 - see above


@lru_cache(maxsize=4096)
def kind_of_all(pattern: str) -> str | None:
    """Return which kind of resource a pattern matches whole ("table"), "" for all kinds, None if it matches fewer.

    An account and a region may be named in it. `arn:...:s3:::bucket/*` is one bucket: S3's ARNs name no kind.
    """
    if ALL.fullmatch(pattern):
        return ""
    arn = arn_of(pattern)
    if arn is None:
        return None
    if not arn.resource.strip("*/?:") and "*" in arn.resource:
        return ""
    kind, slash, rest = re.match(r"([\w-]*)([/:]?)(.*)", arn.resource, re.DOTALL).groups()
    has_kinds = bool(arn.region or arn.account) and slash
    if has_kinds and not rest.strip("*/?:") and "*" in rest and kind.lower() in types_of(arn.service):
        return kind
    return None


@lru_cache(maxsize=4096)
def is_everything(pattern: str) -> bool:
    """Tell whether a pattern is as wide as `*`: all of an AWS service or of one kind, whatever the account and region.

    Of kinds within a kind too (`table/*/index/*`), of every bucket (`*/logs/*`), and of any AWS service. Unlike
    `kind_of_all`, it says no more: no name of what is reached.
    """
    if kind_of_all(pattern) is not None:
        return True
    arn = arn_of(pattern)
    if arn and arn.service in BEGINNINGS:
        arn = arn._replace(resource=BEGINNINGS[arn.service].sub("", arn.resource))
    if arn is None:  # "ar*"
        start, _, rest = pattern.partition("*")
        return "*" in pattern and "arn:aws".startswith(start.strip("?")) and ONLY_WILD.issuperset(rest)
    return "*" in arn.service or "?" in arn.service or _is_all_of_a_kind(arn)


def _is_all_of_a_kind(arn: Arn) -> bool:
    """Tell the same of an ARN; kinds are compared without hyphens, by which ARNs and the Reference differ (db-user)."""
    wide = letters(arn.resource.lower().removeprefix("/"))
    text = "".join(letter if len(letter) == 1 else "$" for letter in wide)
    fixed, wild, tail = re.match(r"([^*?]*)([*?]*)(.*)", text, re.DOTALL).groups()
    if arn.service in WITHOUT_KINDS and not (arn.service == "s3" and arn.account.strip("*")):
        return bool(wild) and not fixed and tail[:1] in ("", "/", ":")
    kinds = {kind.strip("/").replace("-", "") for kind in types_of(arn.service)}
    bare_wide = tuple(letter for letter in wide if letter != "-")
    if wild and any(includes(bare_wide, letters(kind + separator + "*")) for kind in kinds for separator in "/:"):
        return True
    kinds |= types_of(arn.service)
    words = re.split("[/:]", tail)
    within = all(ONLY_WILD.issuperset(word) or word.removesuffix("name") in kinds for word in words)
    return bool(wild) and fixed[:-1] in kinds and within


def other_account(pattern: str, own: str) -> str:
    """Return the account that a pattern names in digits, "" if it names none or `own`."""
    named = pattern.removeprefix(PRINCIPAL)
    arn = arn_of(named)
    account = arn.account if arn else named if named != pattern else ""
    return account if ACCOUNT.fullmatch(account) and account != own else ""


def resource_text(pattern: str, noun: str, names: dict[str, str]) -> str:
    """Return a resource as a sentence names it: "every queue", "sample-queue", "table/orders"."""
    if pattern in names:
        return names[pattern]
    kind, arn = kind_of_all(pattern), arn_of(pattern)
    name = arn.resource[len(kind) + bool(kind) :] if arn and kind is not None else "*"
    if kind is None or not (ALL.fullmatch(name) or (kind in IN_PARTS and name == "*:*")):
        return bare(HERE.sub("", pattern), names)
    if arn and not kind and not is_wildcard(arn.service) and noun.lower() not in types_of(arn.service):
        noun = f"resource of {arn.service}"
    where = [f"of {arn.account}"] if arn and arn.account.strip("*") and arn.account not in SYMBOLIC else []
    where += [f"in {arn.region}"] if arn and arn.region.strip("*") and arn.region not in SYMBOLIC else []
    return bare(" ".join([f"every {kind or noun}", *where]), names)


def bare(text: str, names: dict[str, str] | None = None) -> str:
    """Spell each import by its name in names, else by the name of the export, and what is unknown by its kind.

    A name that is followed by its export, as "orders (Queue-${EnvType})", has that at the end of the text.
    """
    exports: dict[str, None] = {}

    def called(match: re.Match[str]) -> str:
        name, _, export = (names or {}).get(match[1], match[1]).partition(" ")
        exports.setdefault(f" {export}" if export else "")
        return name

    named = IMPORT.sub(called, text) + "".join(exports)
    return UNKNOWN_KIND.sub(lambda match: match[1], named)
