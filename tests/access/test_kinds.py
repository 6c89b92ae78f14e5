"""The kinds of changes that a review once said less of than the truth: a minimal pair or more for each, by number.

1 what is not understood, 2 resources that carry permissions, 3 who gets it, 4 canonical text, 5 versions and variables,
6 actions nobody knows yet, 7 conditions, 8 gates, 9 sentences, 10 files, 11 bounds, 12 the comment.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest
from trees import HEAD, failing, formats, in_time, lines, policy, reviewed, statement

EVERY = {"widened", "granted", "escalation"}
GRANTS = {"widened", "granted"}


class Row(NamedTuple):
    """A change, the gates that fail at it, what some line of it says, and what none says."""

    before: str
    after: str
    fails: set[str]
    says: str = ""
    never: str = r"^\b$"


ONE = HEAD + policy(statement())
KEYS = "      Roles: [!ImportValue backend]\n"


def beside(text: str, before: str = ONE) -> tuple[str, str]:
    return before, before + text


def document(action: str = "'*'", resource: str = "'*'") -> str:
    return f"{{Version: '2012-10-17', Statement: [{statement(action, resource)}]}}"


TRUST = "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: %s}}]}"


def role(more: str = "", trust: str = "ecs-tasks.amazonaws.com") -> str:
    return f"{HEAD}  R: {{Type: 'AWS::IAM::Role', Properties: {{AssumeRolePolicyDocument: {TRUST % trust}{more}}}}}\n"


def whom(holders: str) -> str:
    return ONE.replace(KEYS, f"      {holders}\n")


def in_old_version(text: str) -> str:
    return text.replace("2012-10-17", "2008-10-17")


def but(resources: str) -> str:
    return f"{{Effect: Allow, Action: '*', NotResource: [{resources}]}}"


def when(condition: str, effect: str = "Allow") -> str:
    return HEAD + policy(statement(Effect=effect, Condition=f"{{{condition}}}"))


MAP, TEAM = "Mappings: {%s: {a: {x: %s}}}\n", "'aws:PrincipalTag/team'"
VARIABLE = "'arn:aws:s3:::homes/${aws:username}/*'"
ARN = "arn:aws:sqs:eu-west-1:111122223333"
KEPT = ONE.replace("    Properties", "    DeletionPolicy: Retain\n    Properties")
PARAMETER = "Parameters: {P: {Type: String, Default: %s}}\nResources:\n"
TAGS = "{Effect: Allow, NotAction: ['sqs:Get*', 's3:*'], Resource: '*'}, {Effect: Allow, NotAction: 'sqs:*Tags', Resource: '*'}"
MFA = "Bool{0}: {{'aws:MultiFactorAuthPresent': true}}"

ROWS = {
    "1 a macro": Row(ONE, "Transform: AWS::LanguageExtensions\n" + ONE, EVERY, "cannot tell.*Transform"),
    "1 an include in a new file": Row("", ONE + "      Fn::Transform: {Name: 'AWS::Include'}\n", EVERY, "cannot tell"),
    "1 a loop": Row(*beside("  'Fn::ForEach::Q': [Q, [a], {}]\n"), EVERY, "cannot tell.*Fn::ForEach"),
    "1 a resource of another type": Row(
        *beside("  U: {Type: 'AWS::IAM::User'}\n"), EVERY, "cannot tell.*AWS::IAM::User"
    ),
    "1 a rule": Row(ONE, "Rules: {R: {Assertions: []}}\n" + ONE, EVERY, "cannot tell.*Rules R"),
    "1 an export": Row(ONE, "Outputs: {O: {Value: x, Export: {Name: n}}}\n" + ONE, EVERY, "cannot tell.*Outputs O"),
    "1 metadata that turns rules off": Row(
        ONE, "Metadata: {cfn-lint: {config: {ignore_checks: [E9]}}}\n" + ONE, EVERY, "cannot tell.*Metadata cfn-lint"
    ),
    "1 a mapping": Row(MAP % ("P", "a") + ONE, MAP % ("P", "'*'") + ONE, EVERY, "cannot tell.*Mappings P"),
    "1 the default of a parameter": Row(
        PARAMETER % "a" + policy(statement(resource="!Ref P")),
        PARAMETER % "'*'" + policy(statement(resource="!Ref P")),
        GRANTS,
        "SendMessage",
    ),
    "1 an attribute": Row(ONE, KEPT, EVERY, "cannot tell.*DeletionPolicy"),
    "1 what is kept when it is replaced": Row(
        ONE, KEPT.replace("DeletionPolicy", "UpdateReplacePolicy"), EVERY, "cannot tell.*UpdateReplacePolicy"
    ),
    "1 what stays under Retain": Row(KEPT, HEAD + policy(name="Other"), EVERY, "leaves Access where it is", "revoked"),
    "1 a template whose stack stays": Row(ONE, "", set(), "the policies stay until somebody destroys it"),
    "1 a statement that may be none": Row(
        HEAD + policy(),
        HEAD + policy(f"'Fn::If': [A, {statement()}, !Ref 'AWS::NoValue']".join("{}")),
        EVERY,
        "cannot tell",
    ),
    "1 a document key": Row(ONE, HEAD + policy(statement(), document=", Odd: 1"), EVERY, "cannot tell.*Odd"),
    "1 a statement key": Row(ONE, HEAD + policy(statement(Odd=1)), EVERY, "cannot tell.*Odd"),
    "1 a property": Row(ONE, HEAD + policy(statement(), more="      Odd: 1\n"), EVERY, "cannot tell.*Odd"),
    "1 a function": Row(ONE, HEAD + policy(statement(resource="!Odd x")), GRANTS, "Fn::Odd"),
    "1 a dynamic reference": Row(
        ONE, HEAD + policy(statement(resource="'{{resolve:ssm:/x:1}}'")), GRANTS, "a dynamic reference"
    ),
    "2 an inline policy": Row(
        role(), role(f", Policies: [{{PolicyName: p, PolicyDocument: {document()}}}]"), EVERY, "every action"
    ),
    "2 a managed policy by its name": Row(
        role(),
        role(", ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess']"),
        EVERY,
        "AdministratorAccess",
    ),
    "2 a boundary": Row(role(", PermissionsBoundary: a"), role(), EVERY, "cannot tell.*PermissionsBoundary"),
    "2 tags, which conditions may ask for": Row(
        role(), role(", Tags: [{Key: team, Value: a}]"), EVERY, "cannot tell.*Tags"
    ),
    "2 trust": Row(role(), role(trust="[ecs-tasks.amazonaws.com, ec2.amazonaws.com]"), EVERY, "ec2.amazonaws.com"),
    "2 a managed policy": Row(
        *beside(f"  M: {{Type: 'AWS::IAM::ManagedPolicy', Properties: {{PolicyDocument: {document()}}}}}\n"),
        EVERY,
        "every",
    ),
    **{
        f"2 a policy of a {kind}": Row(
            *beside(
                f"  M: {{Type: 'AWS::IAM::{kind}Policy', Properties: "
                f"{{PolicyName: m, {kind}Name: x, PolicyDocument: {document()}}}}}\n"
            ),
            EVERY,
            "every action",
        )
        for kind in ("Role", "User", "Group")
    },
    "3 another role and logical id": Row(
        ONE, HEAD + policy(statement(), role="public", name="Q"), GRANTS, "role public"
    ),
    "3 another role": Row(ONE, whom("Roles: [!ImportValue public]"), GRANTS, "role public"),
    "3 one more role": Row(ONE, whom("Roles: [!ImportValue backend, !ImportValue public]"), GRANTS, "role public"),
    "3 a user": Row(ONE, ONE + "      Users: [bob]\n", GRANTS, "bob"),
    "3 a group": Row(ONE, ONE + "      Groups: [all]\n", GRANTS, "all"),
    "3 a parameter in the role's name": Row(
        PARAMETER % "a" + policy(statement(), role="{'Fn::Sub': '${P}-role'}"),
        PARAMETER % "b" + policy(statement(), role="{'Fn::Sub': '${P}-role'}"),
        GRANTS,
        "b-role",
    ),
    "4 an escape, plain": Row(
        HEAD + policy(statement(resource="'${!x}'")), HEAD + policy(statement(resource="!Sub '${!x}'")), GRANTS
    ),
    "4 a dollar and a brace joined": Row(
        HEAD + policy(statement(resource="!Ref 'AWS::Region'")),
        HEAD + policy(statement(resource="!Join ['', ['$', '{AWS::Region}']]")),
        GRANTS,
    ),
    "4 a condition key that holds an operator": Row(
        when("StringEquals: {'k StringEquals \"a\" and j': b}"), when("StringEquals: {k: a, j: b}"), GRANTS
    ),
    "5 a variable in the old version": Row(
        in_old_version(HEAD + policy(statement(resource=VARIABLE))), HEAD + policy(statement(resource=VARIABLE)), GRANTS
    ),
    "5 a variable within an If": Row(
        in_old_version(HEAD + policy(statement(resource=f"!If [A, {VARIABLE}, b]"))),
        HEAD + policy(statement(resource=f"!If [A, {VARIABLE}, b]")),
        GRANTS,
    ),
    "5 a pseudo parameter that holds colons": Row(
        HEAD + policy("{Effect: Allow, Action: 'sqs:SendMessage', NotResource: !Ref 'AWS::StackId'}"),
        HEAD + policy("{Effect: Allow, Action: 'sqs:SendMessage', Resource: 'arn:aws:cloudformation:a:1:stack/x/y'}"),
        GRANTS,
    ),
    "6 what two patterns match": Row(HEAD + policy(TAGS), HEAD + policy(statement("'*'", "'*'")), GRANTS),
    "6 actions of a pattern that come later": Row(
        HEAD + policy(statement("'sqs:Get*'")), HEAD + policy(statement("'sqs:G*'")), GRANTS
    ),
    "7 one condition more": Row(ONE, when(f"StringEquals: {{{TEAM}: a}}"), set(), never="cannot tell"),
    "7 one value fewer": Row(
        when(f"StringEquals: {{{TEAM}: [a, b]}}"), when(f"StringEquals: {{{TEAM}: a}}"), set(), never="cannot tell"
    ),
    "7 one value more": Row(when(f"StringEquals: {{{TEAM}: a}}"), when(f"StringEquals: {{{TEAM}: [a, b]}}"), GRANTS),
    "7 one value more of what must not be": Row(
        when(f"StringNotEquals: {{{TEAM}: [a, b]}}"),
        when(f"StringNotEquals: {{{TEAM}: a}}"),
        GRANTS,
        never="cannot tell",
    ),
    "7 one Deny more": Row(
        ONE, HEAD + policy(statement(), statement(resource="!ImportValue q", Effect="Deny")), set(), never="cannot tell"
    ),
    "7 where a key may be lacking": Row(
        when(MFA.format("")), when(MFA.format("IfExists")), GRANTS, never="cannot tell"
    ),
    "7 a wider pattern": Row(
        when(f"StringLike: {{{TEAM}: 'a/b*'}}"), when(f"StringLike: {{{TEAM}: 'a/*'}}"), GRANTS, never="cannot tell"
    ),
    **{
        f"7 all but more, {name}": Row(
            HEAD + policy(but(before)), HEAD + policy(but(after)), set(), never="cannot tell"
        )
        for name, before, after in (
            ("by a pattern", "'arn:aws:s3:::a/in/*', !ImportValue q", "'arn:aws:s3:::a/*', !ImportValue q"),
            ("and they overlap", "'arn:aws:s3:::a/*', 'arn:aws:s3:::*/b'", "'arn:aws:s3:::a*', 'arn:aws:s3:::*/b'"),
        )
    },
    "7 one topic in place of all but buckets": Row(
        HEAD + policy(but("'arn:aws:s3:::a/*', 'arn:aws:s3:::*/b', !Sub 'arn:aws:s3:::${B}/*'")),
        HEAD + policy(statement("'*'", "'arn:aws:sns:eu-west-1:111122223333:t'")),
        set(),
        never="cannot tell",
    ),
    "7 one topic in place of all but what is exported": Row(
        HEAD + policy(but("!ImportValue q")),
        HEAD + policy(statement("'*'", "'arn:aws:sns:eu-west-1:111122223333:t'")),
        EVERY,
        "cannot tell",
    ),
    "7 one network more": Row(
        when("IpAddress: {'aws:SourceIp': 10.0.0.0/8}"),
        when("IpAddress: {'aws:SourceIp': [10.0.0.0/8, 192.168.0.0/16]}"),
        GRANTS,
        never="cannot tell",
    ),
    "8 actions in a line that widens": Row(
        ONE,
        HEAD + policy(statement(resource=f"'{ARN}:orders*'"), statement("['sqs:PurgeQueue']")),
        GRANTS,
        "PurgeQueue",
    ),
    "8 a Deny that goes beside a condition that changes": Row(
        HEAD + policy(statement(Condition="{A: {k: v}}"), statement(resource="'*'", Effect="Deny")),
        HEAD + policy(statement(Condition="{B: {k: v}}")),
        GRANTS,
    ),
    **{
        f"8 a way to further rights: {action}": Row(
            HEAD + policy(), HEAD + policy(statement(f"'{action}'", "'*'")), EVERY, action.partition(":")[2]
        )
        for action in (
            *(
                "iam:PassRole",
                "iam:CreatePolicyVersion",
                "iam:UpdateAssumeRolePolicy",
                "sts:AssumeRole",
                "ecs:ExecuteCommand",
            ),
            *("ssm:SendCommand", "ssm:StartSession", "lambda:UpdateFunctionCode", "ecs:RegisterTaskDefinition"),
            *("cloudformation:CreateStack", "iam:CreateAccessKey", "codebuild:StartBuild", "glue:UpdateDevEndpoint"),
        )
    },
    "8 a Deny under another logical id and the same name": Row(
        HEAD + policy(statement(Effect="Deny")),
        HEAD + policy(statement(Effect="Deny")).replace("  Access:", "  Other:"),
        {*GRANTS, "loss"},
        "left without Access",
    ),
    "8 a policy of the name of one that denies": Row(
        HEAD + policy(statement(), statement(Effect="Deny")) + policy(name="Other"),
        HEAD
        + policy(statement(), statement(Effect="Deny"))
        + policy(name="Other").replace("Name: Other", "Name: Access"),
        GRANTS,
        "share the name Access",
    ),
    "9 all of one bucket": Row(
        HEAD + policy(), HEAD + policy(statement("'s3:GetObject'", "'arn:aws:s3:::b/*'")), GRANTS, "b/\\*", "every "
    ),
    "9 all queues anywhere": Row(ONE, HEAD + policy(statement(resource="'arn:aws:sqs:*:*:*'")), GRANTS, "every queue"),
    "9 all queues of a region": Row(
        ONE, HEAD + policy(statement(resource="'arn:aws:sqs:eu-west-1:*:*'")), GRANTS, "every queue in eu-west-1"
    ),
    "9 all queues, in short": Row(ONE, HEAD + policy(statement(resource="'arn:aws:sqs:*'")), GRANTS, "every queue"),
    "9 a bucket that is called as a kind": Row(
        HEAD + policy(), HEAD + policy(statement("'s3:GetObject'", "'arn:aws:s3:::job/*'")), GRANTS, "job/", "every "
    ),
    "9 an account that was named already": Row(
        ONE,
        HEAD + policy(statement("['sqs:SendMessage', 'sqs:ReceiveMessage']")),
        GRANTS,
        never="another account",
    ),
    "9 a login to a database": Row(
        HEAD + policy(), HEAD + policy(statement("'rds-db:connect'", "'*'")), GRANTS, never="who has access"
    ),
    "9 a move": Row(
        HEAD + policy(statement("'sqs:ReceiveMessage'", "!ImportValue q")),
        HEAD + policy(statement("['sqs:ReceiveMessage', 'sqs:SendMessage']", "!ImportValue r")),
        GRANTS,
        "moves from q to r.*SendMessage.*besides",
    ),
    "9 an action that does not exist": Row(
        HEAD + policy(), HEAD + policy(statement("'sqs:SendMesage'")), GRANTS, "no such action"
    ),
    "9 secrets": Row(
        HEAD + policy(), HEAD + policy(statement("'secretsmanager:GetSecretValue'", "'*'")), GRANTS, "reads secrets"
    ),
    "9 what a consumer deletes": Row(
        HEAD + policy(), HEAD + policy(statement("'sqs:DeleteMessage'")), GRANTS, never="delete data"
    ),
    "10 a file that cannot be read": Row(ONE, "{", EVERY, "cannot read"),
    "10 text that nobody sees": Row(ONE, ONE.replace("backend", "back\u202eend"), EVERY, "cannot read.*nobody sees"),
}


@pytest.mark.parametrize("name", ROWS)
def test_a_review_says_no_less_than_the_truth(name: str) -> None:
    row = ROWS[name]
    result = reviewed(row.before, row.after)
    texts = [" ".join([line.kind, line.text, *(mark.text for mark in line.marks)]) for line in lines(result)]
    assert failing(result) == row.fails, texts
    assert any(re.search(row.says, text, re.DOTALL) for text in texts), texts
    assert not any(re.search(row.never, text) for text in texts), texts
    assert not failing(reviewed(row.after, row.after))


def test_10_one_unreadable_file_does_not_end_the_review() -> None:
    before = {"Production/a.yml": ONE, "Production/b.yml": ONE}
    result = reviewed(before, {"Production/a.yml": "{", "Production/b.yml": HEAD + policy(statement("'sqs:*'"))})
    assert {section.service: [line.kind for line in section.lines] for section in result.sections}.keys() == {"a", "b"}
    assert "granted" in failing(result)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("'sqs:x'", f"['sqs:{'*a' * 30}', 'sqs:{'*?' * 60}b']"),
        (f"['sqs:{'*a' * 30}*b*']", ", ".join(f"'sqs:{'*a*' * n}c*'" for n in range(2, 30)).join("[]")),
    ],
)
def test_11_patterns_of_actions_take_no_time(before: str, after: str) -> None:
    with in_time():
        result = reviewed(HEAD + policy(statement(before)), HEAD + policy(statement(after)))
        assert "granted" in failing(result)


def many(of: Any) -> str:
    return HEAD + policy(*(of(number) for number in range(180)))


@pytest.mark.parametrize(
    "of",
    [
        lambda n: statement(resource=f"'b/*{n % 7}*{n % 5}*{n}*'"),
        lambda n: statement(
            Effect="Deny" if n % 5 else "Allow", Condition=f"{{StringLike: {{k{n % 9}: ['a{n}*', '*{n}']}}}}"
        ),
        lambda n: statement(resource=f"!ImportValue q{n}").replace("Resource", "NotResource" if n % 9 else "Resource"),
    ],
)
def test_11_a_template_as_large_as_one_can_be_takes_no_time(of: Any) -> None:
    with in_time():
        reviewed(many(of), many(lambda n: of(n + 1)))


def test_12_one_noisy_service_does_not_push_others_out_of_the_comment() -> None:
    loud = HEAD + policy(*(statement(f"'sqs:{'x' * 50}{n}'", f"'{ARN}:{'q' * 80}{n}'") for n in range(400)))
    after = {"Production/a.yml": loud, "Production/z.yml": HEAD + policy(statement("'iam:PassRole'", "'*'"))}
    text = formats(reviewed({"Production/a.yml": ONE, "Production/z.yml": ONE}, after))["markdown"]
    assert "PassRole" in text
    assert len(text) < 65_536
