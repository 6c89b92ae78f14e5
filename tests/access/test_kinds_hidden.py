"""Changes that hide behind what stays the same: a name, a condition, a transform, a number's spelling, a file's place.

The gates that fail at each; the numbers are those of `test_kinds`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from trees import HEAD, failing, lines, policy, reviewed, side, statement

from taskroles.access.review import review
from taskroles.commands.review import revision_side, working_tree_side
from taskroles.git import git

if TYPE_CHECKING:
    from pathlib import Path

EVERY = {"widened", "granted", "escalation"}
GRANTS = {"widened", "granted"}
ONE = HEAD + policy(statement())
NEVER, ALWAYS = (f"Conditions: {{A: {{'Fn::Equals': [a, {other}]}}}}\n" for other in "ba")
UNDER_A = ONE.replace("    Properties", "    Condition: A\n    Properties")
DENIED = HEAD + policy(statement()) + policy(statement(Effect="Deny"), name="D")
TRUST = "{Version: '2012-10-17', Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: a}}]}"
ROLE = f"  R: {{Type: 'AWS::IAM::Role', Properties: {{AssumeRolePolicyDocument: {TRUST}}}}}\n"
INLINE = f"{{PolicyName: p, PolicyDocument: {{Version: '2012-10-17', Statement: [{statement()}]}}}}"
OF_R = policy(statement()).replace("!ImportValue backend", "!Ref R")
MACRO = "  Fn::Transform: {Name: M}\n"
LOOP = "Transform: AWS::LanguageExtensions\nConditions: {'Fn::ForEach::A': [X, [a], {'Is${X}': {'Fn::Equals': [a, %s]}}]}\n"
PARAMETER = "Parameters: {P: {Type: String, Default: '%s'}}\nResources:\n"

NAME = "'${aws:username}'"

NUMBERS = [("8", "010"), ("1402433619", "012345670123"), ("1000", "1_000"), ("1e3", "1e3"), ("1.5", "1.50")]
NUMBERS += [("70", "1:10"), ("1" * 20, "1" * 20), ("16", "0x10")]


def managed(more: str = "") -> str:
    document = f"{{Version: '2012-10-17', Statement: [{statement()}]}}"
    return f"{HEAD}  M: {{Type: 'AWS::IAM::ManagedPolicy', Properties: {{PolicyDocument: {document}{more}}}}}\n"


def in_old_version(text: str) -> str:
    return text.replace("2012-10-17", "2008-10-17")


def when(condition: str) -> str:
    return HEAD + policy(statement(Condition=f"{{{condition}}}"))


ROWS = {
    "1 a condition of the template that never held": (NEVER + UNDER_A, ALWAYS + UNDER_A, GRANTS),
    "1 a condition of the template that goes": (NEVER + UNDER_A, ONE, GRANTS),
    "1 a condition of the template on a Deny": (
        NEVER + DENIED,
        NEVER + DENIED.replace("  D:\n", "  D:\n    Condition: A\n"),
        GRANTS,
    ),
    "1 what is not understood of a resource whose condition goes": (
        NEVER + UNDER_A.replace("    Type", "    DeletionPolicy: Retain\n    Type") + policy(statement(), name="B"),
        NEVER + ONE.replace("    Type", "    DeletionPolicy: Retain\n    Type") + policy(statement(), name="B"),
        EVERY,
    ),
    "1 a macro that reads all of the template": (
        "Transform: M\nDescription: a\n" + ONE,
        "Transform: M\nDescription: b\n" + ONE,
        EVERY,
    ),
    "1 a macro that reads what is beside it": (
        HEAD + policy(statement("['sqs:SendMessage', 'sqs:GetQueueUrl']")) + MACRO,
        ONE + MACRO,
        EVERY,
    ),
    "1 a condition that a loop makes": (LOOP % "b" + UNDER_A, LOOP % "a" + UNDER_A, EVERY),
    "1 a secret that an output tells": (ONE, f"{ONE}Outputs: {{O: {{Value: '{{{{resolve:ssm:x}}}}'}}}}\n", EVERY),
    "1 every resource, as the default of a parameter": (
        PARAMETER % "*" + policy(statement(resource="!Ref P")),
        PARAMETER % "*" + policy(statement(resource="'*'")),
        GRANTS,  # a stack may have another value
    ),
    "1 another resource in place of a parameter whose default is every one": (
        PARAMETER % "*" + policy(statement(resource="!Ref P")),
        PARAMETER % "*" + policy(statement()),
        GRANTS,
    ),
    "1 another resource in place of a parameter of another default": (
        PARAMETER % "*" + policy(statement(resource="!Ref P")),
        PARAMETER % "x" + policy(statement(resource="x")),
        GRANTS,
    ),
    "1 a resource in place of every resource": (
        PARAMETER % "*" + policy(statement()),
        PARAMETER % "*" + policy(statement(resource="!Ref P")),
        GRANTS,
    ),
    "1 a resource that becomes a parameter of its name": (
        HEAD + ROLE + OF_R,
        "Parameters: {R: {Type: String, Default: admin}}\nResources:\n" + OF_R,
        EVERY,
    ),
    "1 a key of a parameter": (
        PARAMETER % "a" + policy(statement()),
        (PARAMETER % "a").replace("'a'", "'a', Odd: 1") + policy(statement()),
        EVERY,
    ),
    **{
        f"8 a name that may be that of a policy that denies: {name}": (
            DENIED,
            DENIED.replace("PolicyName: Access", f"PolicyName: {name}"),
            EVERY,
        )
        for name in ("!If [A, D, Access]", "'{{resolve:ssm:/name:1}}'")
    },
    "3 a user of the name of a role": (
        ONE.replace("Roles: [!ImportValue backend]", "Roles: [bob]"),
        ONE.replace("Roles: [!ImportValue backend]", "Users: [bob]"),
        GRANTS,
    ),
    "1 an unknown condition in a condition": (
        NEVER + when("StringEquals: {k: !If [A, a, b]}"),
        ALWAYS + when("StringEquals: {k: !If [A, a, b]}"),
        EVERY,
    ),
    "1 a dynamic reference for an action": (
        HEAD + policy(statement("'{{resolve:ssm:/x:1}}'")),
        HEAD + policy(statement("'{{resolve:ssm:/x:2}}'")),
        EVERY,
    ),
    "2 a key of an inline policy": (
        HEAD + ROLE.replace("]}}}", f"]}}, Policies: [{INLINE}]}}}}"),
        HEAD + ROLE.replace("]}}}", f"]}}, Policies: [{INLINE.replace('PolicyName', 'Odd: 1, PolicyName')}]}}}}"),
        EVERY,
    ),
    "5 a variable without a version": (
        (HEAD + policy(statement(resource="'${aws:username}'"))).replace("Version: '2012-10-17', ", ""),
        HEAD + policy(statement(resource="'${aws:username}'")),
        GRANTS,
    ),
    "2 the path of a role": (HEAD + ROLE, HEAD + ROLE.replace("]}}}", "]}, Path: /x/}}"), EVERY),
    "2 the name of a managed policy": (managed(), managed(", ManagedPolicyName: b"), EVERY),
    "2 the path of a managed policy": (managed(), managed(", Path: /x/"), EVERY),
    "2 a trust in nobody that is everybody": (
        HEAD + ROLE,
        HEAD + ROLE.replace("Principal: {Service: a}", "NotPrincipal: {AWS: []}"),
        EVERY,
    ),
    "2 a trust in what a parameter names": (
        PARAMETER % "x" + ROLE.replace("Principal: {Service: a}", "Principal: !Ref P"),
        PARAMETER % "*" + ROLE.replace("Principal: {Service: a}", "Principal: !Ref P"),
        EVERY,
    ),
    "4 a dollar before a value that begins with a brace": (
        PARAMETER % "x" + policy(statement(resource="!Ref 'AWS::Region'")),
        PARAMETER % "{AWS::Region}" + policy(statement(resource="!Sub '$${P}'")),
        GRANTS,
    ),
    **{
        f"4 the number {plain}": (when(f"StringEquals: {{k: '{text}'}}"), when(f"StringEquals: {{k: {plain}}}"), EVERY)
        for text, plain in NUMBERS
    },
    **{
        f"5 a variable {where}": (in_old_version(text), text, EVERY if "default" in where else GRANTS)
        for where, text in {
            "within an If of a condition": when(f"StringEquals: {{k: !If [A, {NAME}, b]}}"),
            "within an If that is a condition": HEAD
            + policy(statement(Condition=f"!If [A, {{StringEquals: {{k: {NAME}}}}}, {{}}]")),
            "in the default of a parameter": PARAMETER % "${aws:username}" + policy(statement(resource="!Ref P")),
            "made of a name": HEAD + policy(statement(resource="!Join ['', ['a${', !Ref EnvType, '}']]")),
            "made of a name that begins with a brace": HEAD + policy(statement(resource="!Sub 'a$${EnvType}'")),
        }.items()
    },
    "7 a key twice, in another case": (when("StringEquals: {k: a}"), when("StringEquals: {k: a, K: b}"), GRANTS),
    "7 an operator twice, in another case": (
        when("StringEquals: {k: a}"),
        when("StringEquals: {k: a}, stringequals: {k: b}"),
        GRANTS,
    ),
    "7 what is no number": (when("NumericLessThan: {k: '1_000'}"), when("NumericLessThan: {k: 5}"), {"widened"}),
    "10 a number that nothing can hold": (ONE, f"Description: 1{':1' * 250}.5\n{ONE}", EVERY),
}


@pytest.mark.parametrize("name", ROWS)
def test_what_hides_a_change_is_said(name: str) -> None:
    before, after, fails = ROWS[name]
    result = reviewed(before, after)
    assert failing(result) == fails, lines(result)
    assert not failing(reviewed(after, after))


def test_1_what_is_replaced_under_retain_stays_where_it_was() -> None:
    kept = "  M: {Type: 'AWS::IAM::RolePolicy', UpdateReplacePolicy: Retain, Properties: {PolicyName: %s, RoleName: x, "
    kept += f"PolicyDocument: {{Version: '2012-10-17', Statement: [{statement()}]}}}}}}\n"
    texts = [f"{line.kind} {line.text}" for line in lines(reviewed(HEAD + kept % "a", HEAD + kept % "b"))]
    assert any(re.search("notice.*UpdateReplacePolicy.*leaves a where it is", text) for text in texts)
    assert not any("revoked" in text for text in texts)


@pytest.mark.parametrize("name", ["D", "E"])
def test_1_what_is_denied_does_not_stay_because_an_attribute_may_keep_it(name: str) -> None:
    kept = DENIED.replace("  D:\n", "  D:\n    UpdateReplacePolicy: Retain\n")
    after = kept.replace("Effect: Deny", "Effect: Allow").replace("PolicyName: D", f"PolicyName: {name}")
    assert failing(reviewed(kept, after)) == GRANTS


@pytest.mark.parametrize("kind", ["a symbolic link", "a file"])
def test_10_out_that_is_no_folder_is_said(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    if kind == "a file":
        (tmp_path / "out").write_text(ONE)
    else:
        (tmp_path / "out").symlink_to("elsewhere")
    git("init", "-q")
    git("add", "out")
    git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", "x")
    assert set(revision_side("HEAD").odd) == set(working_tree_side().odd) == {"out"}
    result = review(side("base", {"Production/a.yml": ONE}), revision_side("HEAD"))
    assert failing(result) == EVERY


NAMED = PARAMETER % "x" + policy(statement(), statement(Effect="Deny"), name="Q")
SPELLED = {
    "as the other": "PolicyName: 'Q-x'",
    "of a parameter": "PolicyName: !Sub 'Q-${P}'",
    "joined": "PolicyName: !Join ['-', [Q, x]]",
    "in quotes": "'PolicyName': Q-x",
    "escaped": '"Policy\\u004eame": Q-x',
}


@pytest.mark.parametrize("spelled", SPELLED)
@pytest.mark.parametrize("now", SPELLED)
def test_8_a_name_that_another_policy_has_is_one_however_it_is_spelled(spelled: str, now: str) -> None:
    denying = {"Production/a.yml": NAMED.replace("PolicyName: Q", SPELLED[spelled])}
    other = (PARAMETER % "x" + policy(statement(), name="R")).replace("PolicyName: R", "PolicyName: %s")
    before, after = ({**denying, "Production/b.yml": text} for text in (other % "R", other % "R"))
    after["Production/b.yml"] = (other % "R").replace("PolicyName: R", SPELLED[now])
    result = reviewed(before, after)
    assert failing(result) == GRANTS
    assert any("share the name" in line.text for line in lines(result))


CHOSEN = ("!If [A, admin, !ImportValue backend]", "!FindInMap [M, a, role]", "'{{resolve:ssm:/role:1}}'")


@pytest.mark.parametrize("role", CHOSEN)
@pytest.mark.parametrize("denies", ["Allow", "Deny"])
def test_8_a_name_on_a_role_that_may_be_another_one_s_is_said(role: str, denies: str) -> None:
    """What is new denies, or what is there already: the one that is deployed last is what counts."""
    there = NEVER + HEAD + policy(statement(Effect="Deny" if denies == "Allow" else "Allow"), name="There")
    there = there.replace("!ImportValue backend", role)
    new = HEAD + policy(statement(Effect=denies), name="New")
    for some, others, name in ((there, new, "There"), (new, there, "New")):
        before = {"Production/a.yml": some, "Production/b.yml": others}
        after = before | {"Production/b.yml": re.sub("PolicyName: .*", f"PolicyName: {name}", others)}
        result = reviewed(before, after)
        assert failing(result) == GRANTS, lines(result)
        assert any("may share the name" in line.text for line in lines(result))


def test_8_a_policy_name_that_a_function_chooses_may_be_that_of_a_policy_that_did_not_change() -> None:
    there = HEAD + policy(statement(Effect="Deny"), name="There")
    before = {"Production/a.yml": NEVER + HEAD + policy(statement(), name="New"), "Production/b.yml": there}
    chosen = before["Production/a.yml"].replace("PolicyName: New", "PolicyName: !If [A, There, New]")
    result = reviewed(before, before | {"Production/a.yml": chosen})
    assert any("may share the name" in line.text for line in lines(result)), lines(result)


MAYBE = f"{{'Fn::If': [A, {statement(Effect='Deny')}, !Ref 'AWS::NoValue']}}"


@pytest.mark.parametrize("may", [MAYBE, statement("!Ref P", Effect="Deny"), statement(Effect="Deny", Odd="1")])
def test_8_the_name_of_a_policy_that_may_deny_is_said(may: str) -> None:
    there = ALWAYS + HEAD + policy(may, name="There")
    before, after = HEAD + policy(statement(), name="New"), HEAD + policy(statement(), name="There")
    trees = ({"Production/a.yml": there, "Production/b.yml": each} for each in (before, after))
    result = reviewed(*trees)
    assert failing(result) == GRANTS, lines(result)
    assert any("share the name There" in line.text for line in lines(result))


def test_9_every_resource_is_marked_as_such_where_a_parameter_names_it() -> None:
    (line,) = lines(reviewed(PARAMETER % "*" + policy(), PARAMETER % "*" + policy(statement(resource="!Ref P"))))
    assert "on every queue" in line.text
    assert "wildcard-resource" in {mark.code for mark in line.marks}


@pytest.mark.parametrize(
    ("before", "after", "fails"),
    [
        ("account: '111111111111'", "account: '222222222222'", GRANTS),
        ("account: '111111111111'", "after: ''", {"widened"}),
        ("region: eu-west-1", "region: us-east-1", GRANTS),
        ("after: ''", "account: '111111111111'", set()),
    ],
)
def test_3_another_account_or_region_is_access_for_the_roles_there(before: str, after: str, fails: set[str]) -> None:
    text = "environment: Production\nnames: {stack: '{service}', template: '{service}.yml', policy: '{AwsService}'}\n"
    trees = ({"Production/environment.yml": text + each, "Production/a.yml": ONE} for each in (before, after))
    assert failing(reviewed(*trees)) == fails


def test_8_a_logical_id_that_changes_under_a_name_spelled_otherwise() -> None:
    after = NAMED.replace("  Q:\n", "  Other:\n").replace("PolicyName: Q", "PolicyName: !Sub 'Q-${P}'")
    assert failing(reviewed(NAMED.replace("PolicyName: Q", "PolicyName: Q-x"), after)) == {*GRANTS, "loss"}


def test_8_two_policies_that_change_their_names_with_each_other_are_lost() -> None:
    text = HEAD + policy(statement(), name="Q") + policy(statement(), name="Z")
    before, swapped, other = (
        text.replace("PolicyName: Q", f"PolicyName: {q}1").replace("PolicyName: Z", f"PolicyName: {z}1")
        for q, z in (("Q", "Z"), ("Z", "Q"), ("Q", "Y"))
    )
    assert "loss" in failing(reviewed(before, swapped))
    assert "loss" not in failing(reviewed(before, other))


def test_10_another_task_role_in_environment_yml_is_said() -> None:
    text = "environment: Production\nnames: {stack: '{service}', template: '{service}.yml', policy: '{AwsService}'}\n"
    before, after = (
        {"Production/environment.yml": f"{text}task_roles: {{a: {{export: {role}}}}}\n", "Production/a.yml": ONE}
        for role in ("backend", "public")
    )
    found = lines(reviewed(before, after))
    assert any("export backend → export public" in line.text for line in found), found


@pytest.mark.parametrize("asked", [{}, {"environments": ["Production"]}, {"services": ["a"]}])
def test_10_what_cannot_be_judged_is_said_of_a_part_as_well(asked: dict[str, list[str]]) -> None:
    after = {"Production/a.yml": ONE, "Production/a/b.yml": ONE}
    result = review(side("base", {"Production/a.yml": ONE}), side("head", after), **asked)
    assert failing(result) == EVERY
    assert not failing(review(side("base", {"Dev/a.yml": ONE}), side("head", {"Dev/a.yml": ONE}), **asked))


MOVED = [HEAD + policy(statement(), name="X"), HEAD + policy(statement(), name="X") + policy(statement(Effect="Deny"))]


@pytest.mark.parametrize("left", [HEAD + policy(statement(), name="Z"), ""])
def test_3_a_policy_that_another_stack_takes_over_by_its_name_is_said(left: str) -> None:
    before = {"Production/a.yml": HEAD + policy(statement(Effect="Deny")), "Production/b.yml": MOVED[0]}
    after = {"Production/b.yml": MOVED[1]} | ({"Production/a.yml": left} if left else {})
    result = reviewed(before, after)
    (line,) = [line for line in lines(result) if "takes over the name Access on backend from Access (a)" in line.text]
    assert line.kind == "widened"
    assert not any("takes over" in line.text for line in lines(reviewed(after, after)))


def test_5_a_parameter_that_holds_a_variable_is_another_thing_in_either_version() -> None:
    settings = (
        "environment: Production\nnames: {stack: '{service}', template: '{service}.yml', policy: '{AwsService}'}\n"
    )
    settings += "parameters: {EnvType: '${aws:username}'}\n"
    text = HEAD + policy(statement(resource="!Ref EnvType"))
    trees = (
        {"Production/environment.yml": settings, "Production/a.yml": each} for each in (in_old_version(text), text)
    )
    assert failing(reviewed(*trees)) == EVERY


ENVIRONMENT = "environment: Production\nnames: {{stack: 's-{{service}}', template: '{{service}}.yml', policy: p}}\n"
ENVIRONMENT = ENVIRONMENT.replace("policy: p", "policy: 'p-{{service}}-{{AwsService}}'") + "parameters: {{{}}}\n"


@pytest.mark.parametrize(("default", "fails"), [("", EVERY), (", Default: narrow", EVERY), (", Default: '*'", set())])
def test_1_a_stack_keeps_the_value_of_a_parameter_that_is_not_passed_any_longer(default: str, fails: set[str]) -> None:
    text = f"Parameters: {{P: {{Type: String{default}}}}}\nResources:\n{policy(statement(resource='!Ref P'))}"
    before, after = (
        {"Production/environment.yml": ENVIRONMENT.format(passed), "Production/orders.yml": text}
        for passed in ("P: '*'", "")
    )
    result = reviewed(before, after)
    assert failing(result) == fails
    assert {line.kind for line in lines(result)} <= {"widened", "notice"}  # nothing is narrowed or revoked


def test_8_a_value_that_is_passed_can_make_a_name_that_of_a_policy_that_denies() -> None:
    text = HEAD + policy(statement()).replace("PolicyName: Access", "PolicyName: !Ref EnvType")
    text += policy(statement(Effect="Deny"), name="D")
    before, after = (
        {"Production/environment.yml": ENVIRONMENT.format(f"EnvType: {value}"), "Production/orders.yml": text}
        for value in "CD"
    )
    assert failing(reviewed(before, after)) == GRANTS


def test_9_a_value_that_is_passed_is_no_default() -> None:
    text = HEAD + policy(statement(resource="!Select [0, [!Ref EnvType]]"))
    before, after = (
        {"Production/environment.yml": ENVIRONMENT.format(f"EnvType: {value}"), "Production/orders.yml": text}
        for value in "CD"
    )
    texts = [line.text for line in lines(reviewed(before, after)) if line.kind == "widened"]
    assert texts == ["cannot tell: the value of parameter EnvType changed"]
