"""Minimal pairs of templates whose change was once not said: each is a kind of its own, found by the second engine."""

from __future__ import annotations

import pytest
from trees import failing, policy, reviewed, statement

IF = "!If [IsA, '*', 'arn:aws:sqs:eu-west-1:111122223333:orders']"
PARAMETERS = "Parameters: {P: {Type: String, Default: a}, N: {Type: String, Default: 0}, Q: {Type: String}}\n"
CONDITIONS = "Conditions: {IsA: !Equals [!Ref P, b], IsB: !Not [!Condition IsA]}\n"
TOP = PARAMETERS + CONDITIONS + "Resources:\n"
TRUST = "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: ecs}}]}"
ODD = f"{{Version: '2012-10-17', Odd: 1, Statement: [{statement()}]}}"
TWO_ODD = (
    f"  R: {{Type: 'AWS::IAM::Role', Properties: {{AssumeRolePolicyDocument: {TRUST}, Policies: ["
    f"{{PolicyName: a, PolicyDocument: {ODD}}}, {{PolicyName: b, PolicyDocument: {ODD.replace('Odd: 1', 'Odd: 2')}}}]}}}}\n"
)
PICKED = "!Select [!Ref N, ['arn:aws:sqs:a:1:q', '*']]"
MAYBE = f"{{'Fn::If': [IsA, {statement()}, !Ref 'AWS::NoValue']}}"

PAIRS = {
    "the condition of an If": (
        TOP + policy(statement(resource=IF)),
        TOP.replace("!Ref P, b", "a, a") + policy(statement(resource=IF)),
    ),
    "a condition that another one takes": (
        TOP + policy(statement()) + "    Condition: IsB\n",
        TOP.replace("!Ref P, b", "a, b") + policy(statement()) + "    Condition: IsB\n",
    ),
    "the default of a parameter that a condition takes": (
        TOP + policy(statement()) + "    Condition: IsA\n",
        TOP.replace("Default: a", "Default: b") + policy(statement()) + "    Condition: IsA\n",
    ),
    "a default that is a number": (
        TOP + policy(statement(resource="!Sub 'a-${N}'")),
        TOP.replace("Default: 0", "Default: 1") + policy(statement(resource="!Sub 'a-${N}'")),
    ),
    "the default of a parameter that an index takes": (
        TOP + policy(statement(resource=PICKED)),
        TOP.replace("Default: 0", "Default: 1") + policy(statement(resource=PICKED)),
    ),
    "the default of a parameter that an unknown resource takes": (
        TOP + policy(statement()) + "  U: {Type: 'AWS::IAM::User', Properties: {ManagedPolicyArns: [!Ref P]}}\n",
        TOP.replace("Default: a", "Default: b")
        + policy(statement())
        + "  U: {Type: 'AWS::IAM::User', Properties: {ManagedPolicyArns: [!Ref P]}}\n",
    ),
    "a parameter that loses its default": (
        TOP + policy(statement(resource="!Ref P")),
        TOP.replace(", Default: a", "") + policy(statement(resource="!Ref P")),
    ),
    "the default of a parameter that is compared without case": (
        TOP + policy(statement(Condition="{StringEqualsIgnoreCase: {'aws:PrincipalTag/team': !Ref P}}")),
        TOP.replace("Default: a", "Default: b")
        + policy(statement(Condition="{StringEqualsIgnoreCase: {'aws:PrincipalTag/team': !Ref P}}")),
    ),
    "the role of a policy of optional statements": (TOP + policy(MAYBE), TOP + policy(MAYBE, role="public")),
    "the condition on a policy of optional statements": (
        TOP + policy(MAYBE) + "    Condition: IsA\n",
        TOP + policy(MAYBE),
    ),
    "one of two odd keys of one name": (TOP + TWO_ODD, TOP + TWO_ODD.replace("Odd: 1", "Odd: 3")),
    "the document under a version that nobody knows": (
        TOP + policy("{Effect: Allow, Action: 'sqs:*', Resource: '?{aws:username}'}").replace("'2012-10-17'", "!Ref P"),
        TOP + policy("{Effect: Allow, Action: 'sqs:*', Resource: '${aws:username}'}").replace("'2012-10-17'", "!Ref P"),
    ),
    "an attribute that is called as a property": (
        TOP + policy(statement(), more="      Odd: 1\n    Odd: 1\n"),
        TOP + policy(statement(), more="      Odd: 1\n    Odd: 2\n"),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_change_is_said_where_the_text_of_the_policy_stays_the_same(name: str) -> None:
    before, after = PAIRS[name]
    assert "widened" in failing(reviewed(before, after))
    assert not failing(reviewed(before, before))
