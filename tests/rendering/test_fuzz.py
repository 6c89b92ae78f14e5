"""Bad input by the thousand: sound templates come out, or faults that say where, and out/ is as it was.

FUZZ=5000 .venv/bin/pytest tests/rendering/test_fuzz.py tries so many examples of each kind, other ones each time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_process import inside, render
from project import HERE, TABLES, Project, load
from tables_at_random import ODD, WRITERS, right, tables, usually, with_fitting_targets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FUZZ = int(os.environ.get("FUZZ", "0"))
EXAMPLES = settings(
    max_examples=FUZZ or 80,
    derandomize=not FUZZ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
FAULT = re.compile(r"(services\.yml|(policies|templates|out)/[^\n:]+)(:[1-9]\d*)?: [^\n]+")
TABLE = TABLES / "two-services.yml"
DEFAULTS = {
    "template": "{service}.yml",
    "policy": "{AwsService}AccessPolicy-{service}-${EnvType}",
    "stack": "{service}-taskrole-{environment}",
}
# What the lint says of wildcards, where `wildcards: true` does not let them pass: that is what level full is.
WILDCARDS = re.compile(r"^E900[1268] ")  # and another account: both are for the table to say

JINJA = (
    *(
        '{% include "policies/sqs/send.yml.j2" %}',
        '{% include "policies/sqs/full.yml.j2" %}',
        "{% endif %}",
        "{% if %}",
    ),
    *(
        "{{ target }}",
        "{{ target.name }}",
        "{{ target.import | plain }}",
        "{{ target.nothing }}",
        "{{ queue(1, 2, 3) }}",
    ),
    *("{% for a in [1, 2] %}", "{% endfor %}", "{% macro m() %}", "{% endmacro %}", "{{ 1 / 0 }}", "{{ 7*7 }}"),
    *(
        "{{ none }}",
        "{{ [1, {}] }}",
        "{{ '\"' }}",
        "{{ '\\n- a' | safe }}",
        "{{ '\\n' | plain }}",
        "{% set name = 1 %}",
    ),
    *(
        "{% block b %}{% endblock %}",
        '{% extends "policies/arn.j2" %}',
        "{% import 'x' as x %}",
        "{% include target %}",
    ),
    *(
        "{% set options = 1 %}",
        '{% set options = {"a": "b"} %}',
        "{{ prefix | sub }}",
        "{{ '${X}' | sub }}",
        "${Stack}",
    ),
    *("\n- Effect: Deny\n", "  Resource: {{ target.arn }}\n", "  NotAction: a:b\n", "  Condition: {}\n", "  Sid: 1\n"),
    *("\n    - ", "\n  ", "\n", '"*"', "!Sub ", "!GetAtt a.b", "- &a b", "- *a", "<<: {}", "? a", "|\n", ">-\n", "~"),
)
PIECES = st.sampled_from([fragment.encode() for fragment in (*ODD, *JINJA)])
EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from((0, 1, 1, 2, 5, 40)), st.integers(0, 7), PIECES), min_size=1, max_size=4
)


def edited(text: bytes, edits: list[tuple[float, int, int, bytes]]) -> bytes:
    """Return `text` with slices removed, repeated, in the other case, or replaced by what is made to be misread."""
    for place, length, kind, new in edits:
        start = int(place * len(text))
        piece = text[start : start + length]
        made = {0: b"", 1: piece * 2, 2: piece.swapcase(), 3: b"\xff" + piece}.get(kind, new)
        text = text[:start] + made + text[start + length :]
    return text


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> Iterator[Project]:
    """Return a project that many examples share, as the folder that this process works in."""
    project = Project(tmp_path_factory.mktemp("fuzzed"))
    with pytest.MonkeyPatch.context() as patch, inside(project, patch):
        yield project


def is_sound(project: Project) -> bool:
    """Render; tell whether that was sound input, and assert what must hold either way."""
    before = project.tree()
    code, faults = render()
    if code == 2:
        assert all(FAULT.fullmatch(fault) and fault.isprintable() for fault in faults), faults
        assert project.tree() == before
    return code == 0


def assert_templates_say_what_was_asked(project: Project) -> None:
    """Compare the templates with services.yml, as far as that needs no renderer."""
    text = (project.folder / "services.yml").read_bytes().decode("utf-8-sig")
    data = yaml.load(text, yaml.CBaseLoader)  # noqa: S506 - makes text, lists and dictionaries
    names = DEFAULTS | data.get("names", {})
    expected = {}
    for environment in data["environments"]:
        expected[f"out/{environment}/environment.yml"] = None
        for service, entry in data["services"].items():
            policies = in_environment(entry["policies"], environment, data["environments"])
            in_force = {name: policy for name, policy in policies.items() if policy != "none"}
            if in_force:
                path = f"out/{environment}/{filled(names['template'], environment, service=service)}"
                expected[path] = (environment, service, in_force)
    assert {path for path in project.tree() if path.endswith(".yml")} == set(expected)
    for path, asked in expected.items():
        if asked:
            environment, service, in_force = asked
            pattern = filled(names["policy"], environment, service=service)
            assert_template(load(project.read(path)), environment, data, service, in_force, pattern)


def assert_template(  # noqa: PLR0913, PLR0917 - all that a template is made of
    template: dict[str, Any], environment: str, data: dict[str, Any], service: str, policies: dict[str, Any], name: str
) -> None:
    """Compare one template with what services.yml says of it."""
    said, parameters = json.dumps(template["Resources"]), template.get("Parameters", {})
    assert template.get("Parameters", {}).get("EnvType", {}).get("AllowedValues", [environment]) == [environment]
    assert {f"${{{parameter}}}" in said for parameter in parameters} <= {True}, "a parameter that nothing uses"
    assert len(template["Resources"]) == len(policies)
    role = data["services"][service]["task_role"]
    wanted_role = {"Fn::ImportValue": sub(role)} if isinstance(role, str) else sub(role["name"])
    targets = in_environment(data.get("targets", {}), environment, data["environments"])
    for (logical_id, resource), policy in zip(template["Resources"].items(), policies.values(), strict=True):
        properties = resource["Properties"]
        assert resource["Type"] == "AWS::IAM::Policy"
        aws_service = logical_id.removesuffix("AccessPolicy")
        assert properties["PolicyName"] == sub(name.replace("{AwsService}", aws_service))
        assert properties["Roles"] == [wanted_role]
        assert properties["PolicyDocument"]["Version"] == "2012-10-17"
        statements = properties["PolicyDocument"]["Statement"]
        assert all(statement["Effect"] in ("Allow", "Deny") for statement in statements)
        found = "\n".join(texts(statements))
        for wanted in asked_of(policy, targets):
            assert wanted in found


def asked_of(policy: Any, targets: dict[str, Any]) -> Iterator[str]:
    """Yield the names of targets and the options that must stand in the statements of a policy."""
    for grant in policy if isinstance(policy, list) else [policy]:
        for narrowed in grant.values() if isinstance(grant, dict) else ():
            options = narrowed if isinstance(narrowed, dict) else {"target": narrowed}
            ((kind, value),) = targets[options["target"]].items()
            yield from (text for option, text in options.items() if option != "target")
            yield value.strip("/") if kind == "name" else value


def filled(pattern: str, environment: str, service: str) -> str:
    """Return a name with its fields filled in."""
    pattern = re.sub(r"(?<!\$)\{environment\}", environment.lower(), pattern).replace("{Environment}", environment)
    return re.sub(r"(?<!\$)\{service\}", service, pattern)


def in_environment(values: dict[str, Any], environment: str, environments: Any) -> dict[str, Any]:
    """Return values as they are in one environment."""
    return {
        name: value.get(environment, value.get("default"))
        if isinstance(value, dict) and not {*environments, "default"}.isdisjoint(value)
        else value
        for name, value in values.items()
    }


def sub(text: str) -> Any:
    """Return a text as a template says it: by Fn::Sub where something in it is substituted."""
    return {"Fn::Sub": text} if "${" in text else text


def texts(data: Any) -> Iterator[str]:
    """Yield every text in plain data."""
    if isinstance(data, str):
        yield data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from texts(item)


@EXAMPLES
@given(table=tables(usually), writer=st.sampled_from(WRITERS))
def test_a_table_renders_or_is_refused(fuzzed: Project, table, writer) -> None:
    fuzzed.write("services.yml", writer(table))
    if is_sound(fuzzed):
        assert_templates_say_what_was_asked(fuzzed)


@EXAMPLES
@given(edits=EDITS)
def test_a_table_with_typing_errors_renders_or_is_refused(fuzzed: Project, edits) -> None:
    (fuzzed.folder / "services.yml").write_bytes(edited(TABLE.read_bytes(), edits))
    if is_sound(fuzzed):
        assert_templates_say_what_was_asked(fuzzed)


PARTIALS = sorted(str(path.relative_to(HERE)) for path in (HERE / "policies").rglob("*.j2"))


@EXAMPLES
@given(edits=EDITS, path=st.sampled_from([*PARTIALS, "templates/taskrole.yml.j2", "templates/access.md.j2"]))
def test_a_partial_with_typing_errors_renders_or_is_refused(fuzzed: Project, edits, path: str) -> None:
    original = (HERE / path).read_bytes()
    fuzzed.write("services.yml", TABLE.read_text())
    (fuzzed.folder / path).write_bytes(edited(original, edits))
    try:
        if is_sound(fuzzed):
            paths = [path for path in fuzzed.tree() if path.endswith("-cfn.yml")]
            assert all(load(fuzzed.read(path))["Resources"] for path in paths)
    finally:
        (fuzzed.folder / path).write_bytes(original)


def test_what_right_tables_render_to_is_clean_to_the_lint(fuzzed: Project, tmp_path: Path) -> None:
    shapes: set[str] = set()
    linted = Project(tmp_path)
    shutil.rmtree(linted.folder / "out")

    @EXAMPLES
    @given(table=tables(right).map(with_fitting_targets))
    def collect(table: dict[str, Any]) -> None:
        fuzzed.write("services.yml", json.dumps(table))
        for path in fuzzed.tree() if is_sound(fuzzed) else ():
            text = fuzzed.read(path)
            shape = re.sub(r'"[^"]*"', '""', text)
            if path.endswith(".yml") and not path.endswith("/environment.yml") and shape not in shapes:
                shapes.add(shape)
                environment = path.split("/")[1]
                alone = f"{len(shapes)}-{environment}"  # beside others of its name
                said = fuzzed.read(f"out/{environment}/environment.yml")
                linted.write(f"out/{alone}/{os.path.basename(path)}", text)
                linted.write(f"out/{alone}/environment.yml", said.replace(f': "{environment}"\n', f': "{alone}"\n', 1))

    collect()
    assert len(shapes) > 30
    done = linted.verb("lint")
    findings = [block for block in done.stdout.split("\n\n") if block.strip() and not WILDCARDS.match(block.strip())]
    assert findings == []
    assert done.returncode in (0, 1), done.stderr


NAMES_AND_VALUES = {
    "names that YAML reads as something else": ({"on": "on", "no": "null", "null": "y"}, "role", True),
    "a number in exponents": ({"1e3": "e3"}, "role", False),
    "a hexadecimal number": ({"0x10": "a"}, "role", False),
    "a parent folder": ({"..": "a"}, "role", False),
    "an absolute path": ({"/etc/cron.d/a": "a"}, "role", False),
    "Jinja": ({"a": "a"}, "{{7*7}}{%raw%}{#", True),
    "YAML": ({"a": "a"}, "\"'\\:#&*!|>%@`,?-[]{}", True),
    "a shell": ({"a": "a"}, "$(id);`id`|id&&id>x", True),
    "a field of a name": ({"a": "a"}, "{service}-{AwsService}", True),
    "a line end": ({"a": "a"}, "role\n  Extra: 1", False),
    "Jinja in a name": ({"{{7*7}}": "a"}, "role", False),
}


@pytest.mark.parametrize("case", NAMES_AND_VALUES)
def test_names_and_values_with(fuzzed: Project, case: str) -> None:
    names, value, sound = NAMES_AND_VALUES[case]
    entries = {
        name: {"task_role": value, "policies": {"sqs": {"send": target}, "ssm": {"read": target}}}
        for name, target in names.items()
    }
    targets = {target: {"name": value.replace(":", "")} for target in names.values()}  # which no queue's name holds
    fuzzed.write("services.yml", json.dumps({"environments": ["dev"], "targets": targets, "services": entries}))
    assert is_sound(fuzzed) == sound
    if sound:
        assert_templates_say_what_was_asked(fuzzed)


BOMBS = {
    "a billion laughs": b"a: &a [x, x]\n"
    + b"".join(b"%c: &%c [*%c, *%c]\n" % (n, n, n - 1, n - 1) for n in range(98, 123)),
    "a merge key": b"a: &a {b: 1}\nc: {<<: *a}\n",
    "ten megabytes of nothing": b"#" * 10_000_000,
    "ten megabytes of one value": b"environments: [" + b"D" * 10_000_000 + b"]\n",
    "ten megabytes of nesting": b"[" * 10_000_000,
    "ten thousand keys": b"".join(b"k%d: v\n" % n for n in range(10_000)),
    "a tab": b"services:\n\ta: b\n",
    "UTF-16": "services: {}".encode("utf-16"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_the_bomb_that_is(fuzzed: Project, name: str) -> None:
    (fuzzed.folder / "services.yml").write_bytes(BOMBS[name])
    assert not is_sound(fuzzed)
