"""The verb lint, run as a program on a copy of the project's configuration and rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENT = """\
environment: "{0}"
{1}names: {{stack: "{{service}}", template: "sample-ecs-taskrole-{{service}}-cfn.yml", policy: "{{AwsService}}AccessPolicy-{{service}}-${{EnvType}}"}}
task_roles: {{{2}}}
"""
NAME = "out/{}/sample-ecs-taskrole-{}-cfn.yml"
TEMPLATE = """\
Parameters:
  VPCName: {{Type: String, Default: vpc}}
  EnvType: {{Type: String, AllowedValues: [{0}], Default: {0}}}
Resources:
  SQSAccessPolicy:
    Type: AWS::IAM::Policy
    Properties:
      PolicyName: !Sub "SQSAccessPolicy-{1}-${{EnvType}}"
      PolicyDocument:
        Version: "2012-10-17"
        Statement: [{{Effect: Allow, Action: sqs:{2}, Resource: "arn:aws:sqs:*:*:q"}}]
      Roles: [Fn::ImportValue: !Sub "${{VPCName}}-{1}-${{EnvType}}"]
"""
GOOD, BAD = "SendMessage", "*"


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project with two clean templates, linted."""
    copy = tmp_path_factory.mktemp("linted")
    shutil.copytree(ROOT / "taskroles", copy / "taskroles", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".cfnlintrc.yaml", copy)
    (copy / "services.yml").touch()
    for environment in ("Dev", "Production"):
        write(copy, environment, "backend", GOOD)
    assert run(copy, linted=2).returncode == 0
    return copy


@pytest.fixture
def project(linted: Path, tmp_path: Path) -> Path:
    """Return a copy of that for one test, with its cache."""
    return shutil.copytree(linted, tmp_path / "project")


def write(project: Path, environment: str, service: str, action: str) -> Path:
    """Write a template that is clean if its action is."""
    path = project / NAME.format(environment, service)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(TEMPLATE.format(environment, service, action), encoding="utf-8")
    known = (
        [service]
        if not (old := path.with_name("environment.yml")).exists()
        else [*old.read_text().split(": {exp")[:-1], service]
    )
    names = sorted({each.rpartition("{")[2].rpartition(" ")[2] for each in known})
    roles = ", ".join(f'{each}: {{export: "${{VPCName}}-{each}-${{EnvType}}"}}' for each in names)
    wildcards = "wildcards: true\n" if environment == "Dev" else ""
    old.write_text(ENVIRONMENT.format(environment, wildcards, roles), encoding="utf-8")
    return path


def run(
    project: Path, *arguments: str, linted: int | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run lint.py; if told how many templates it must lint, ask cfn-lint's own log and the loaded modules."""
    probe = (
        "import sys, runpy, logging; sys.argv = ['lint', 'lint', *sys.argv[1:]]\n"
        "logging.basicConfig(filename='log', level='INFO', format='%(message)s')\n"
        "try: runpy.run_module('taskroles', run_name='__main__', alter_sys=True)\n"
        "finally: open('loaded', 'w').write(str('cfnlint' in sys.modules))"
    )
    (project / "log").write_text("", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", probe, *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": ""} | environment,
    )
    if linted is not None:
        assert (project / "log").read_text(encoding="utf-8").count("Run scan of template") == linted, done
        assert (project / "loaded").read_text() == str(linted > 0)
    return done


def test_nothing_changed_lints_nothing_and_says_nothing(project: Path) -> None:
    done = run(project, linted=0)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_changed_template_is_linted_alone(project: Path) -> None:
    write(project, "Dev", "backend", "ReceiveMessage")
    assert run(project, linted=1).returncode == 0
    assert run(project, linted=0).returncode == 0


def test_a_template_with_a_finding_is_linted_again_and_again(project: Path) -> None:
    write(project, "Production", "backend", BAD)
    for _ in range(2):
        done = run(project, linted=1)
        assert (done.returncode, done.stdout[:5]) == (1, "E9001")


def test_the_same_size_and_time_do_not_hide_other_content(project: Path) -> None:
    path = project / NAME.format("Production", "backend")
    before = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("SendMessage", "SendMess***"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert run(project, linted=1).returncode == 1


def test_another_time_with_the_same_content_lints_nothing(project: Path) -> None:
    os.utime(project / NAME.format("Production", "backend"), (1, 1))
    run(project, linted=0)


def test_the_same_content_under_another_name_is_linted(project: Path) -> None:
    (project / NAME.format("Dev", "backend")).rename(project / NAME.format("Dev", "frontend"))
    done = run(project, linted=1)
    assert (done.returncode, "E9005" in done.stdout) == (1, True)


def test_two_templates_that_change_places_are_linted(project: Path) -> None:
    dev, production = (project / NAME.format(e, "backend") for e in ("Dev", "Production"))
    texts = production.read_text(encoding="utf-8"), dev.read_text(encoding="utf-8")
    for path, text in zip((dev, production), texts, strict=True):
        path.write_text(text, encoding="utf-8")
    run(project, linted=2)


def change_rule(project: Path) -> dict[str, str]:
    rule = project / "taskroles/rules/policy_name.py"
    rule.write_text(rule.read_text(encoding="utf-8") + "# other\n", encoding="utf-8")
    return {}


def add_rule(project: Path) -> dict[str, str]:
    (project / "taskroles/rules/new.py").write_text("", encoding="utf-8")
    return {}


def change_helper(project: Path) -> dict[str, str]:
    helper = project / "taskroles/rules/_policy.py"
    helper.write_text(helper.read_text(encoding="utf-8") + "# other\n", encoding="utf-8")
    return {}


def change_configuration(project: Path) -> dict[str, str]:
    path = project / ".cfnlintrc.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "# other\n", encoding="utf-8")
    return {}


def change_program(project: Path) -> dict[str, str]:
    path = project / "taskroles/commands/lint.py"
    path.write_text(path.read_text(encoding="utf-8") + "# other\n", encoding="utf-8")
    return {}


def newer_schemas(project: Path) -> dict[str, str]:
    version = project / "home/aws/cfn-lint/schemas/version.json"
    version.parent.mkdir(parents=True)
    version.write_text('{"schema_date": "2026-01-01T00:00:00Z"}', encoding="utf-8")
    return {"XDG_CACHE_HOME": str(project / "home")}


def another_version(project: Path) -> dict[str, str]:
    """Put a cfn-lint of another version first: the real one, linked, beside its own distribution's name."""
    import cfnlint

    (project / "site/cfn_lint-9.9.9.dist-info").mkdir(parents=True)
    (project / "site/cfnlint").symlink_to(Path(cfnlint.__file__).parent)
    return {"PYTHONPATH": str(project / "site")}


@pytest.mark.parametrize(
    "change",
    [
        change_rule,
        add_rule,
        change_helper,
        change_configuration,
        change_program,
        newer_schemas,
        another_version,
    ],
)
def test_whatever_else_decides_makes_everything_be_linted_again(project: Path, change) -> None:
    environment = change(project)
    run(project, linted=2, **environment)
    run(project, linted=0, **environment)


@pytest.mark.parametrize("content", [b"", b"\xff\x00 {\n" + b"0" * 64])
def test_a_damaged_cache_knows_nothing(project: Path, content: bytes) -> None:
    (project / ".cache/lint").write_bytes(content)
    run(project, linted=2)


def test_half_a_cache_knows_half(project: Path) -> None:
    cache = project / ".cache/lint"
    cache.write_bytes(cache.read_bytes()[:-1])
    run(project, linted=1)


def test_what_was_edited_before_cfn_lint_read_it_is_not_called_clean_under_its_old_content(
    project: Path,
) -> None:
    good = write(project, "Production", "backend", GOOD).read_text(encoding="utf-8")
    path = write(project, "Production", "backend", BAD)
    (project / "taskroles/rules/racing.py").write_text(
        "from pathlib import Path\n"
        "from cfnlint.rules import CloudFormationLintRule\n"
        "class Racing(CloudFormationLintRule):\n"
        "    id, shortdesc = 'E9099', 'repairs a template that is linted later'\n"
        "    def match(self, cfn):\n"
        f"        Path({str(path)!r}).write_text({good!r})\n"
        "        return []\n",
        encoding="utf-8",
    )
    assert run(project, linted=2).returncode == 0
    write(project, "Production", "backend", BAD)
    assert run(project, linted=1).returncode == 1


def test_findings_are_what_a_bare_cfn_lint_prints(project: Path) -> None:
    for service in ("a", "b"):
        path = write(project, "Production", service, BAD)
        path.write_text(path.read_text(encoding="utf-8").replace('Version: "2012-10-17"', "Id: x"), encoding="utf-8")
        (project / NAME.format("Staging", service)).parent.mkdir(exist_ok=True)
        (project / NAME.format("Staging", service)).write_text("Resources: [", encoding="utf-8")
    bare = subprocess.run(
        [str(Path(sys.executable).with_name("cfn-lint"))],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    done = run(project)
    assert bare.stdout.count("E9001") == bare.stdout.count("E0000") == 2
    assert (done.stdout, done.returncode) == (bare.stdout, 1)


def test_many_templates_are_linted_on_several_processes_in_order_with_one_line(project: Path) -> None:
    for number in range(40):
        write(project, "Production", f"s{number:02}", BAD if number % 8 == 0 else GOOD)
    program = project / "taskroles/commands/lint.py"
    source = program.read_text(encoding="utf-8").replace("PATIENCE = 2.0", "PATIENCE = 0.0")
    program.write_text(source, encoding="utf-8")
    done = run(project)
    assert re.findall(r"^out/Production/sample-ecs-taskrole-(s\d+)", done.stdout, re.MULTILINE) == [
        "s00",
        "s08",
        "s16",
        "s24",
        "s32",
    ]
    assert re.fullmatch(r"cfn-lint: 1 of 42 templates, \d at a time\n", done.stderr)
    if (os.cpu_count() or 1) > 1:
        assert ", 1 at" not in done.stderr
    assert len((project / ".cache/lint").read_text().split()) == 37


def test_what_is_no_longer_there_is_forgotten(project: Path) -> None:
    (project / NAME.format("Dev", "backend")).unlink()
    run(project, linted=0)
    assert len((project / ".cache/lint").read_text().split()) == 1


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda p: shutil.rmtree(p / "out"), "no template in out/"),
        (
            lambda p: (p / ".cfnlintrc.yaml").unlink(),
            ".cfnlintrc.yaml: No such file or directory",
        ),
        (
            lambda p: (p / ".cfnlintrc.yaml").write_text("template: []"),
            "Invalid configuration key 'template'",
        ),
        (
            lambda p: (p / ".cfnlintrc.yaml").write_text("regions: [nowhere]"),
            "Regions ['nowhere'] are unsupported",
        ),
        (lambda p: (p / ".cfnlintrc.yaml").write_text("a: ["), ".cfnlintrc.yaml"),
        (lambda p: (p / ".cfnlintrc.yaml").write_text("append_rules: [gone]"), "No module named 'gone'"),
    ],
)
def test_what_cannot_be_linted_is_said_without_a_traceback(project: Path, fault, message: str) -> None:
    fault(project)
    done = run(project)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == 2


def test_a_killed_process_is_said_without_a_traceback(project: Path) -> None:
    for number in range(20):
        write(project, "Production", f"s{number:02}", GOOD)
    (project / "taskroles/rules/dying.py").write_text(
        "import multiprocessing, os\n"
        "from cfnlint.rules import CloudFormationLintRule\n"
        "class Dying(CloudFormationLintRule):\n"
        "    id, shortdesc = 'E9099', 'dies'\n"
        "    def match(self, cfn):\n"
        "        return os._exit(9) if multiprocessing.parent_process() else []\n",
        encoding="utf-8",
    )
    done = run(project)
    if (os.cpu_count() or 1) > 1:
        assert (done.returncode, "Traceback" in done.stderr) == (2, False)
        assert "one of its processes was killed" in done.stderr


def test_an_argument_is_refused(project: Path) -> None:
    done = run(project, "out/x.yml")
    assert done.returncode == 2
    assert done.stderr == "lint takes no arguments; what is linted stands in .cfnlintrc.yaml\n"


def test_the_program_and_the_configuration_name_the_same_folders() -> None:
    configuration = (ROOT / ".cfnlintrc.yaml").read_text(encoding="utf-8")
    assert "templates: [out/*/*.yml]" in configuration
    assert "ignore_templates: [out/*/environment.yml]" in configuration
    assert "append_rules: [taskroles/rules]" in configuration


def test_it_lints_its_own_folder_from_wherever_it_is_called(project: Path, tmp_path: Path) -> None:
    write(project, "Production", "backend", BAD)
    done = subprocess.run(
        [sys.executable, "-I", project / "taskroles", "lint"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert NAME.format("Production", "backend") in done.stdout
