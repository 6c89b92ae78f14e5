"""What lint remembers: which templates it lints again, and what makes it lint all of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from linted import BAD, GOOD, Linted

if TYPE_CHECKING:
    from collections.abc import Callable


def test_nothing_changed_lints_nothing_and_says_nothing(linted: Linted) -> None:
    done = linted.run(linted=0)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_changed_template_is_linted_alone(linted: Linted) -> None:
    linted.write("dev", "ReceiveMessage")
    assert linted.run(linted=1).returncode == 0
    assert linted.run(linted=0).returncode == 0


def test_a_template_with_a_finding_is_linted_again_and_again(linted: Linted) -> None:
    linted.write("live", BAD)
    for _ in range(2):
        done = linted.run(linted=1)
        assert (done.returncode, done.stdout[:5]) == (1, "E9001")


def test_the_same_size_and_time_do_not_hide_other_content(linted: Linted) -> None:
    path = linted.path("live")
    before = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("SendMessage", "SendMess***"), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert linted.run(linted=1).returncode == 1


def test_another_time_with_the_same_content_lints_nothing(linted: Linted) -> None:
    os.utime(linted.path("live"), (1, 1))
    linted.run(linted=0)


def test_the_same_content_under_another_name_is_linted(linted: Linted) -> None:
    linted.path("dev").rename(linted.path("dev", "billing"))
    done = linted.run(linted=1)
    assert (done.returncode, "E9005" in done.stdout) == (1, True)


def test_two_templates_that_change_places_are_linted(linted: Linted) -> None:
    paths = linted.path("dev"), linted.path("live")
    texts = [path.read_text(encoding="utf-8") for path in paths]
    for path, text in zip(paths, reversed(texts), strict=True):
        path.write_text(text, encoding="utf-8")
    linted.run(linted=2)


# --- environment.yml --------------------


@pytest.mark.parametrize("settings", [{"wildcards": True}, {"names": None}, {"account": "123456789012"}])
def test_a_changed_environment_yml_has_its_templates_linted(linted: Linted, settings) -> None:
    from taskroles.names import Names

    if "names" in settings:
        settings = {"names": Names(policy="Acme-{AwsService}-{service}-${EnvType}")}
    linted.describe("live", **settings)
    assert linted.run(linted=1).returncode == ("names" in settings)


def test_wildcards_that_an_environment_no_longer_takes_are_found(linted: Linted) -> None:
    linted.write("live", BAD)
    linted.describe("live", wildcards=True)
    assert linted.run(linted=1).returncode == 0
    linted.describe("live")
    assert linted.run(linted=1).returncode == 1


def test_an_environment_yml_that_is_gone_or_broken_is_found(linted: Linted) -> None:
    path = linted.folder / "out/live/environment.yml"
    path.write_bytes(b"\xff")
    done = linted.run(linted=1)
    assert (done.returncode, "out/live/environment.yml:1: not UTF-8" in done.stdout) == (1, True)
    path.unlink()
    done = linted.run(linted=1)
    assert (done.returncode, "there is no out/live/environment.yml" in done.stdout) == (1, True)


def test_a_new_service_has_no_other_one_linted(linted: Linted) -> None:
    linted.write("live", GOOD, "billing")
    assert linted.run(linted=1).returncode == 0


def test_another_role_has_the_service_linted(linted: Linted) -> None:
    linted.write("live", GOOD, "billing")
    linted.run(linted=1)
    path = linted.folder / "out/live/environment.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("orders-role", "other-role"), encoding="utf-8")
    done = linted.run(linted=1)
    assert (done.returncode, done.stdout[:5]) == (1, "E9005")


# --- all else --------------------


def change(path: str) -> Callable[[Linted], dict[str, str]]:
    """Return what appends a comment to a file, or makes it."""

    def changed(linted: Linted) -> dict[str, str]:
        linted.append(path, "# other\n")
        return {}

    return changed


def newer_schemas(linted: Linted) -> dict[str, str]:
    version = linted.folder / "home/aws/cfn-lint/schemas/version.json"
    version.parent.mkdir(parents=True)
    version.write_text('{"schema_date": "2026-01-01T00:00:00Z"}', encoding="utf-8")
    return {"XDG_CACHE_HOME": str(linted.folder / "home")}


def another_version(linted: Linted) -> dict[str, str]:
    """Put a cfn-lint of another version first: the real one, linked, beside its own distribution's name."""
    import cfnlint

    (linted.folder / "site/cfn_lint-9.9.9.dist-info").mkdir(parents=True)
    (linted.folder / "site/cfnlint").symlink_to(Path(cfnlint.__file__).parent)
    return {"PYTHONPATH": str(linted.folder / "site")}


@pytest.mark.parametrize(
    "changing",
    [
        change("taskroles/rules/policy_name.py"),
        change("taskroles/rules/new.py"),
        change("taskroles/rules/_policy.py"),
        change("taskroles/access/environments.py"),
        change("taskroles/access/actions.txt"),
        change("taskroles/commands/lint.py"),
        change(".cfnlintrc.yaml"),
        newer_schemas,
        another_version,
    ],
)
def test_whatever_else_decides_makes_everything_be_linted_again(linted: Linted, changing) -> None:
    environment = changing(linted)
    linted.run(linted=2, **environment)
    linted.run(linted=0, **environment)


@pytest.mark.parametrize("content", [b"", b"\xff\x00 {\n" + b"0" * 64])
def test_a_damaged_cache_knows_nothing(linted: Linted, content: bytes) -> None:
    (linted.folder / ".cache/lint").write_bytes(content)
    linted.run(linted=2)


def test_a_part_of_a_cache_knows_a_part(linted: Linted) -> None:
    cache = linted.folder / ".cache/lint"
    whole = cache.read_bytes()
    counts = []
    for number in range(3):
        lines = whole.split(b"\n")
        lines[number] = lines[number][:-1]
        cache.write_bytes(b"\n".join(lines))
        linted.run()
        counts.append((linted.folder / "log").read_text(encoding="utf-8").count("Run scan of template"))
    assert sorted(counts) == [0, 1, 1]  # one of the three says that nothing is wrong with the exceptions


@pytest.mark.parametrize("path", ["out/live/orders.yml", "out/live/environment.yml"])
def test_what_was_edited_while_cfn_lint_read_it_is_not_called_clean_as_it_was(linted: Linted, path: str) -> None:
    good, later = {}, linted.folder / path
    for bad in (False, True):
        linted.write("live", BAD if bad else GOOD)
        if path.endswith("environment.yml"):
            linted.write("live", BAD)
            linted.describe("live", wildcards=not bad)
        good[bad] = later.read_text(encoding="utf-8")
    linted.append(
        "taskroles/rules/racing.py",
        "from pathlib import Path\n"
        "from cfnlint.rules import CloudFormationLintRule\n"
        "class Racing(CloudFormationLintRule):\n"
        "    id, shortdesc = 'E9099', 'repairs what is read later'\n"
        "    def match(self, cfn):\n"
        f"        Path({str(later)!r}).write_text({good[False]!r}) if '/dev/' in cfn.filename else None\n"
        "        return []\n",
    )
    assert linted.run(linted=2).returncode == 0
    later.write_text(good[True], encoding="utf-8")
    assert linted.run(linted=1).returncode == 1


def test_what_is_no_longer_there_is_forgotten(linted: Linted) -> None:
    linted.path("dev").unlink()
    linted.run(linted=0)
    assert len(linted.cached()) == 2
