"""Bad input by the thousand: sound templates come out, or faults that say where, and out/ is as it was.

FUZZ=5000 .venv/bin/pytest tests/test_fuzz.py tries so many examples of each kind, other ones each time.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project import HERE, TABLES, Project, load

from taskroles.commands.render import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FUZZ = int(os.environ.get("FUZZ", "0"))
EXAMPLES = settings(
    max_examples=FUZZ or 120,
    derandomize=not FUZZ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LINTED = FUZZ // 20 or 12  # of the sound templates, so many of different shapes go through cfn-lint

FAULT = re.compile(r"(services\.yml|(policies|templates|out)/[^\n:]+)(:[1-9]\d*)?: [^\n]+")
LEVELS = {  # of each AWS service, and those that take a target
    "cloudformation": (("full", "read"), ("read",)),
    "sqs": (("full", "consume", "send"), ("consume", "send")),
    "dynamodb": (("full", "read", "read-write"), ("read", "read-write")),
    "rds": (("full", "describe", "connect"), ("describe", "connect")),
    "s3": (("full", "read", "read-write"), ("full", "read", "read-write")),
    "ssm": (("full", "read"), ("read",)),
    "elasticache": (("full", "describe"), ("describe",)),
}
# What breaks out of YAML, Jinja, a shell, a path, a pattern or a terminal; and what YAML takes for no text.
ODD = (
    *("${VPCName}", "${EnvType}", "${AWS::Region}", "${", "${}", "${!X}", "$", "{{ 7*7 }}", "{{", "}}", "{% raw %}"),
    *("{% include 'x' %}", "{#", "#}", '"', "'", "\\", "\n", "\r", "\t", "\0", "\x1b[31m", "\x85", "\u2028", "\ufeff"),
    *(": ", " #", "- ", "? ", "&a ", "*a", "<<: *a", "!Sub ", "!!python/object/apply:os.system [id]", "%YAML 1.1"),
    *("|", ">", "[", "]", "{", "}", ",", "---", "...", "$(id)", "`id`", ";id", "../", "/", "/etc/passwd", "C:\\"),
    *("on", "no", "yes", "null", "~", "1e3", "0x10", "0o7", "1_000", "2026-01-01", "=", "default", "none", "Dev"),
    *("*", ".*", "(", "^$", "a", "-", "_", ".", "é", "で", "😀", "x" * 64, "y" * 1100, " ", ""),
)


ANYTHING = st.lists(st.sampled_from(ODD) | st.text(max_size=3), max_size=4).map("".join)


def usually(*usual: Any) -> st.SearchStrategy[Any]:
    """Return one of `usual`, most of the time; else text that is made to be misread."""
    return st.sampled_from([*usual * 8, None]).flatmap(lambda found: ANYTHING if found is None else st.just(found))


ENVIRONMENTS = usually(["Dev"], ["Dev", "Staging", "Production"], ["Dev", "No"])
TARGETS = ("queue", "on", "no", "null", "a-1")
VALUES = usually(
    "${VPCName}-x-${EnvType}", "queue", "/path/", "arn:aws:s3:::b", "a" * 200, 'q"\\b', "{{7*7}}", "a:b#c'"
)


def grants(levels: tuple[str, ...], *, narrow: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Return a grant of one of `levels`, or several, as services.yml writes them; `narrow` ones have a target."""
    alone = [level for level in levels if level not in narrow]
    narrowed = st.dictionaries(usually(*narrow), usually(*TARGETS), min_size=1, max_size=1) if narrow else st.nothing()
    one = narrowed | (usually(*alone) if alone else st.nothing())
    return one | one | st.lists(one, min_size=1, max_size=2, unique_by=json.dumps)


def policies_of(levels: tuple[str, ...], narrow: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Return a policy: grants, or grants by environment."""
    each = grants(levels, narrow=narrow) | st.just("none")
    return each | st.fixed_dictionaries({"Dev": each, "default": each}, optional={"dev": each})


POLICIES = {name: policies_of(levels, narrow) for name, (levels, narrow) in LEVELS.items()}
SERVICE = st.fixed_dictionaries(
    {
        "task_role": VALUES,
        "policies": st.lists(usually(*POLICIES), min_size=1, max_size=3, unique=True).flatmap(
            lambda names: st.fixed_dictionaries({name: POLICIES.get(name, POLICIES["sqs"]) for name in names})
        ),
    }
)
TARGET = st.one_of(*(st.fixed_dictionaries({key: VALUES}) for key in ("import", "import-arn", "name", "arn")))
CONFIGURATIONS = st.builds(
    lambda environments, targets, services: {
        "environments": environments,
        "parameters": {"VPCName": "vpc"},
        "targets": {name: value for name, value in targets.items() if f'": "{name}"' in json.dumps(services)},
        "services": services,
    },
    ENVIRONMENTS,
    st.fixed_dictionaries(dict.fromkeys(TARGETS, TARGET), optional={"../": TARGET}),
    st.dictionaries(usually("backend", "on", "no", "null", "y", "e3", "a" * 60), SERVICE, min_size=1, max_size=2),
)
WRITERS: tuple[Callable[[Any], str], ...] = (
    json.dumps,
    lambda data: json.dumps(data, ensure_ascii=False, indent=1),
    lambda data: yaml.safe_dump(data, sort_keys=False),
    lambda data: yaml.safe_dump(data, allow_unicode=True, default_style='"', width=20),
)


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
    """Return a copy of the project that many examples share, as the folder that this process works in."""
    before = os.getcwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "taskroles.rendering.state.locked", lambda: None
        )  # a process that fails keeps its lock until it ends; this one goes on
        yield Project(tmp_path_factory.mktemp("fuzzed"))
    os.chdir(before)


def render(project: Project) -> tuple[int, list[str]]:
    """Run the project's render.py in this process, which is fast; return its exit code and its faults."""
    os.chdir(project.folder)
    printed, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(errors):
        code = main([])
    *faults, last = errors.getvalue().split("\n")[:-1] or [""]
    assert bool(faults) == bool(last) == (code == 2), (code, errors.getvalue())
    return code, faults


def is_sound(project: Project) -> bool:
    """Render; tell whether that was sound input, and assert what must hold either way."""
    before = project.tree()
    code, faults = render(project)
    if code == 2:
        assert all(FAULT.fullmatch(fault) and fault.isprintable() for fault in faults), faults
        assert project.tree() == before
    return code == 0


def assert_templates_say_what_was_asked(project: Project) -> None:
    """Compare the templates with services.yml, as far as that needs no renderer."""
    text = (project.folder / "services.yml").read_bytes().decode("utf-8-sig")
    data = yaml.load(text, yaml.CBaseLoader)  # noqa: S506 - makes text, lists and dictionaries
    names = {"template": "{service}.yml", "policy": "{AwsService}AccessPolicy-{service}-${EnvType}"} | data.get(
        "names", {}
    )
    expected = {
        f"out/{environment}/{names['template'].replace('{service}', name)}": (environment, name, service, in_force)
        for name, service in data["services"].items()
        for environment in data["environments"]
        if (in_force := policies_in_force(service["policies"], environment, data["environments"]))
    }
    assert {path for path in project.tree() if path.endswith(".yml") and "/environment.yml" not in path} == set(
        expected
    )
    for path, (environment, name, service, in_force) in expected.items():
        template = load(project.read(path))
        assert template["Parameters"]["EnvType"]["AllowedValues"] == [environment]
        assert len(template["Resources"]) == len(in_force)
        for (logical_id, resource), policy in zip(template["Resources"].items(), in_force, strict=True):
            properties = resource["Properties"]
            assert resource["Type"] == "AWS::IAM::Policy"
            called = names["policy"].replace("{AwsService}", logical_id.removesuffix("AccessPolicy"))
            assert properties["PolicyName"] == substituted(called.replace("{service}", name))
            assert properties["Roles"] == [{"Fn::ImportValue": substituted(service["task_role"])}]
            assert properties["PolicyDocument"]["Version"] == "2012-10-17"
            statements = properties["PolicyDocument"]["Statement"]
            assert all(statement["Effect"] in ("Allow", "Deny") for statement in statements)
            found = "\n".join(texts(statements))
            for grant in policy if isinstance(policy, list) else [policy]:
                for target in grant.values() if isinstance(grant, dict) else ():
                    (value,) = data["targets"][target].values()
                    assert value.strip("/") in found
    lint(project, list(expected))


def substituted(text: str) -> Any:
    """Return a text as a template says it: behind Fn::Sub where something in it is substituted."""
    return {"Fn::Sub": text} if "${" in text else text


def policies_in_force(policies: dict[str, Any], environment: str, environments: list[str]) -> list[Any]:
    """Return the policies that an environment has, in order."""
    found = []
    for policy in policies.values():
        by_environment = isinstance(policy, dict) and not {*environments, "default"}.isdisjoint(policy)
        found.append(policy.get(environment, policy.get("default")) if by_environment else policy)
    return [policy for policy in found if policy != "none"]


def texts(data: Any) -> Iterator[str]:
    """Yield every text in plain data."""
    if isinstance(data, str):
        yield data
    for item in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from texts(item)


SHAPES: set[str] = set()
WIDE = ("E9001", "E9002", "E9006")  # level full, where the table lets no wildcard pass


def lint(project: Project, paths: list[str]) -> None:
    """Let cfn-lint read the first templates of their shape; with our rules, in their place; assert that it finds nothing."""
    from cfnlint.config import ConfigMixIn
    from cfnlint.runner import Runner
    from cfnlint.runner.template import run_template_by_file_path

    for path in paths:
        text = project.read(path)
        shape = re.sub(r'"[^"]*"', '""', text)
        if shape in SHAPES or len(SHAPES) >= LINTED:
            continue
        SHAPES.add(shape)
        runner = Runner(ConfigMixIn(["--config-file", str(HERE / ".cfnlintrc.yaml")]))
        found = run_template_by_file_path(path, runner.config, runner.rules, ignore_bad_template=False)
        wrong = [match for match in found if match.rule.id not in WIDE]
        assert not wrong, (text, wrong)


@EXAMPLES
@given(configuration=CONFIGURATIONS, writer=st.sampled_from(WRITERS))
def test_a_configuration_renders_or_is_refused(fuzzed: Project, configuration, writer) -> None:
    fuzzed.write("services.yml", writer(configuration))
    if is_sound(fuzzed):
        assert_templates_say_what_was_asked(fuzzed)


@EXAMPLES
@given(edits=EDITS)
def test_a_services_yml_with_typing_errors_renders_or_is_refused(fuzzed: Project, edits) -> None:
    (fuzzed.folder / "services.yml").write_bytes(edited((TABLES / "two-services.yml").read_bytes(), edits))
    if is_sound(fuzzed):
        assert_templates_say_what_was_asked(fuzzed)


PARTIALS = sorted(str(path.relative_to(HERE)) for path in (HERE / "policies").rglob("*.j2"))


@EXAMPLES
@given(edits=EDITS, path=st.sampled_from([*PARTIALS, "templates/taskrole.yml.j2", "templates/access.md.j2"]))
def test_a_partial_with_typing_errors_renders_or_is_refused(fuzzed: Project, edits, path: str) -> None:
    original = (HERE / path).read_bytes()
    fuzzed.write("services.yml", (TABLES / "two-services.yml").read_text())
    (fuzzed.folder / path).write_bytes(edited(original, edits))
    try:
        if is_sound(fuzzed):
            paths = [path for path in fuzzed.tree() if path.endswith(".yml") and "/environment.yml" not in path]
            assert all(load(fuzzed.read(path))["Resources"] for path in paths)
            lint(fuzzed, paths if path in PARTIALS else [])  # what else the template says, `make lint` judges
    finally:
        (fuzzed.folder / path).write_bytes(original)


NAMES_AND_VALUES = {
    "names that YAML reads as something else": ({"on": "on", "no": "null", "null": "y"}, "role", True),
    "a number in exponents": ({"1e3": "e3"}, "role", False),
    "a hexadecimal number": ({"0x10": "a"}, "role", False),
    "a parent folder": ({"..": "a"}, "role", False),
    "an absolute path": ({"/etc/cron.d/a": "a"}, "role", False),
    "Jinja": ({"a": "a"}, "{{7*7}}{%raw%}{#", True),
    "YAML": ({"a": "a"}, "\"'\\:#&*!|>%@`,?-[]{}", True),
    "a shell": ({"a": "a"}, "$(id);`id`|id&&id>x", True),
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
    targets = {target: {"name": value} for target in names.values()}
    fuzzed.write("services.yml", json.dumps({"environments": ["Dev"], "targets": targets, "services": entries}))
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
