"""Sentences that were not true of every template: the rows of kind 9, and those of 3, 6 and 12 that are about sentences."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

import pytest
from trees import HEAD, ORDERS, formats, lines, policy, reviewed, statement

from taskroles.access.actions import expand

QUEUES = "arn:aws:sqs:%s:%s:*"
HERE = "!Sub 'arn:aws:%s:${AWS::Region}:${AWS::AccountId}:%s'"
COMMENT = "  # send %s (policies/sqs/send.yml.j2)\n"
EXPORT = "!ImportValue admin-queue"
OTHERS = "'arn:aws:sqs:eu-west-1:999999999999:a'"
SETTINGS = (
    "environment: Production\naccount: '111122223333'\n"
    "names: {stack: '{service}', template: '{service}.yml', policy: '{AwsService}'}\n"
)
TRUST = f"{HEAD}  R: {{Type: 'AWS::IAM::Role', Properties: {{AssumeRolePolicyDocument: {{Version: '2012-10-17', "
TRUST += "Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: %s}]}}}\n"
INLINE = f"Policies: [{{PolicyName: p, PolicyDocument: {{Version: '2012-10-17', Statement: [{statement()}]}}}}]"


class Row(NamedTuple):
    """A change, what some line or mark says of it, and what none says."""

    before: str
    after: str
    says: str
    never: str = r"^\b$"


def of(*statements: str) -> str:
    return HEAD + policy(*statements)


def on(resource: str, action: str = "'sqs:SendMessage'") -> Row:
    return of(), of(statement(action, resource))


def called(name: str, export: str = EXPORT) -> str:
    return HEAD + COMMENT % name + policy(statement(resource=export))


def holders(roles: str, parameter: str = "a") -> str:
    head = HEAD.replace("}\n", f", P: {{Type: String, Default: {parameter}}}}}\n", 1).replace("}, P", "}, P")
    return head + policy(statement()).replace("[!ImportValue backend]", roles)


ROWS = {
    "3 a policy within a role": Row(
        (TRUST % "{Service: a}").replace("]}}}", f"]}}, {INLINE}}}}}"), TRUST % "{Service: a}", "SendMessage", "puts"
    ),
    "3 one role of two": Row(holders("[a, b]"), holders("[a, c]"), r"puts it on c and takes it away from b$"),
    "3 a role more": Row(holders("[a]"), holders("[a, b]"), r"puts it on b$", "takes it away"),
    "3 a role twice": Row(holders("[a, a]"), holders("[a]"), "", "puts|takes"),
    "3 a role that a function names": Row(
        holders("[!Select [0, [a, b]]]"), holders("[!Select [1, [a, b]]]"), "puts it on another role and takes it"
    ),
    "3 a role that a parameter names": Row(
        holders("[!Ref P]"), holders("[!Ref P]", "b"), "puts it on b and takes .* a$"
    ),
    "6 what is left of NotAction": Row(
        of("{Effect: Allow, NotAction: 'sqs:*', Resource: '*'}"),
        of(f"{{Effect: Allow, NotAction: {json.dumps(sorted(expand('sqs:*')))}, Resource: '*'}}"),
        r"nothing → what AWS may add to sqs:\* on every",
    ),
    "6 NotAction of less": Row(
        of("{Effect: Allow, NotAction: 'sqs:*', Resource: '*'}"),
        of("{Effect: Allow, NotAction: 'sqs:SendMessage', Resource: '*'}"),
        "wildcard NotAction: also what AWS adds to it later",
    ),
    "6 a wildcard that is more for later alone": Row(
        of(statement("['sqs:AddPermission', 'sqs:Send*']", "'*'")),
        of(statement("['sqs:AddPermission', 'sqs:Sen*']", "'*'")),
        r"^nothing → what AWS may add to sqs:sen\* on every",
    ),
    "6 what two NotActions leave out together": Row(
        of(*(f"{{Effect: Allow, NotAction: '{each}', Resource: '*'}}" for each in ("sqs:A*", "sqs:*Z"))),
        of(statement("'*'", "'*'")),
        r"^nothing → what AWS may add to ",
    ),
    "6 a wildcard for no action": Row(*on("'*'", "'dynamo:*'"), r"what AWS may add to dynamo:\* on every"),
    "6 a wildcard over services": Row(
        of(statement("'s3:*'")), of(statement("'s3*:*'")), r"what AWS may add to s3\*:\*, 26 s3", r"\(\*"
    ),
    "6 a wildcard in place of NotAction": Row(
        of("{Effect: Allow, NotAction: 's3:*', Resource: '*'}"), of(statement("'*'", "'*'")), r"wildcard \*: also"
    ),
    "9 another alphabet": Row(*on("'*'", "'sqs:SendMess\u0430ge'"), r"no such action: \"sqs:SendMess\\u0430ge\"$"),
    "9 a blank": Row(*on("'*'", "'sqs:SendMessage '"), r'no such action: "sqs:SendMessage "$'),
    "9 what NotAction no longer leaves out": Row(
        of("{Effect: Allow, NotAction: 'sqs:Foo', Resource: '*'}"),
        of(statement("'*'", "'*'")),
        "no such action: sqs:Foo",
    ),
    "9 queues, said of an action of theirs": Row(*on("'arn:aws:sns:*:*:*'"), "every resource of sns", "every queue"),
    "9 some of several services": Row(
        *on("'arn:aws:sqs:*'", "['sqs:SendMessage', 'sns:Publish']"), "every resource of sqs", "every resource$"
    ),
    "9 names of four letters and more": Row(*on(f"'{QUEUES % ('x', '*')}'".replace(":*'", ":????*'")), "", "every"),
    "9 versions of functions": Row(*on(HERE % ("lambda", "function:*:*"), "'lambda:InvokeFunction'"), "", "every"),
    "9 groups of logs": Row(*on(HERE % ("logs", "log-group:*:*"), "'logs:PutLogEvents'"), "every log-group$"),
    "9 everything, in other letters": Row(*on("'?*'"), "not limited to any resource"),
    "9 queues anywhere in place of those here": Row(
        of(statement(resource=HERE % ("sqs", "*"))),
        of(statement(resource="'arn:aws:sqs:*:*:*'")),
        r"on arn:.*AWS::Region.* → .* on arn:.*:sqs:\*:\*:\*",
        "every queue → ",
    ),
    "9 an export and a name spelled alike": Row(
        of(statement(resource="!ImportValue q")), of(statement(resource="q")), r"moves from \$\{import q\} to q"
    ),
    "9 a harmless name over another export": Row(of(), called("mailbox"), r"on mailbox \(admin-queue\)$"),
    "9 a new name said twice": Row(
        of(),
        HEAD + COMMENT % "mailbox" + policy(statement(resource=f"[{EXPORT}, !Sub ['${{N}}x', {{N: {EXPORT}}}]]")),
        r"on mailbox \(admin-queue\) and mailboxx$",
    ),
    "9 a name that was there before": Row(
        called("mailbox"), called("mailbox").replace("SendMessage", "PurgeQueue"), "PurgeQueue on mailbox$"
    ),
    "9 a name that goes over to another export": Row(
        called("mailbox", "!ImportValue mail"), called("mailbox"), "from mail to admin-queue"
    ),
    "9 a name that is a sentence": Row(of(), called("nothing at all"), "on admin-queue$"),
    "9 an account that may be another": Row(*on(OTHERS), "in an account that may be another: 999999999999"),
    "9 an account that is left out": Row(
        of(),
        of(f"{{Effect: Allow, Action: 'sqs:SendMessage', NotResource: {OTHERS}}}"),
        "everything but",
        "account that",
    ),
    "9 an account that is trusted": Row(
        TRUST % "{Service: a}", TRUST % "{AWS: '999999999999'}", r"may be another: 9{12}$"
    ),
    "9 an account that is trusted by its ARN": Row(
        TRUST % "{Service: a}", TRUST % "{AWS: 'arn:aws:iam::999999999999:root'}", r"may be another: 9{12}$"
    ),
    "9 everybody that is trusted": Row(
        TRUST % "{Service: a}", TRUST % "'*'", r"AssumeRole on everybody \(trust of \$\{R\}\)$", "every role"
    ),
    "9 everybody that a parameter names": Row(
        (TRUST % "{AWS: !Ref EnvType}").replace("Production", "a"),
        (TRUST % "{AWS: !Ref EnvType}").replace("Production", "'*'"),
        r"→ AssumeRole on everybody \(trust of",
    ),
    "9 five places": Row(
        of(),
        of(*(statement(f"'sqs:{a}'", a) for a in ["SendMessage", "PurgeQueue", "TagQueue", "DeleteQueue"])),
        "TagQueue",
    ),
    "9 an account that a parameter names": Row(
        HEAD.replace("Production", "'999999999999'") + policy(),
        HEAD.replace("Production", "'999999999999'") + policy(statement(resource="!Sub 'arn:aws:sqs:x:${EnvType}:a'")),
        "may be another: 999999999999",
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_sentence_is_true_of_what_hardly_anybody_writes(name: str) -> None:
    row = ROWS[name]
    texts = [
        text for line in lines(reviewed(row.before, row.after)) for text in (line.text, *(m.text for m in line.marks))
    ]
    assert not row.says or any(re.search(row.says, text) for text in texts), texts
    assert not any(re.search(row.never, text) for text in texts), texts


@pytest.mark.parametrize(("account", "said"), [("111122223333", False), ("999999999999", True)])
def test_9_the_own_account_is_no_other(account: str, said: bool) -> None:
    resource = ORDERS.replace("111122223333", account)
    after = {"Production/environment.yml": SETTINGS, "Production/a.yml": of(statement(resource=resource))}
    marks = [mark.text for line in lines(reviewed({**after, "Production/a.yml": of()}, after)) for mark in line.marks]
    assert marks == [f"in another account: {account}"] * said


def test_12_no_text_of_a_template_becomes_a_link() -> None:
    links = statement(resource="'http://evil.example/a www.evil.example HTTPS://evil.example'")
    shown = re.sub("`.*?`", "", formats(reviewed(of(), of(links)))["markdown"])
    assert not re.search(r"(?i)://|www\.", shown)


def test_12_a_row_that_does_not_fit_leaves_room_for_those_that_do() -> None:
    long = [f"a4b:{'x' * 200}{number}" for number in range(400)]
    after = of(statement(json.dumps(long), "'b/%s'" % ("y" * 70_000)), statement("'iam:PassRole'", "'*'"))
    text = formats(reviewed(of(), after))["markdown"]
    assert "PassRole on every role" in text
    assert "1 more: run" in text
