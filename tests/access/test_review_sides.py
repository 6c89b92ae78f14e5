"""What a review compares with what: services and environments that come and go, and revisions without environment.yml."""

from __future__ import annotations

import re

import pytest
from repository import FULL, SEND, Repository, environment_yml, policy, template

from taskroles.access import review
from taskroles.names import Names

NEW, OLD = template(policy(SEND)), template(policy(FULL))
TO_SEND = "GetQueueUrl and SendMessage on SQS-${EnvType}"
NAMES = Names(template="acme-{service}-cfn.yml")


def lines(out: str) -> list[str]:
    """Return the lines of a review that say a change of access."""
    return [line.strip() for line in out.splitlines() if line[2:3] in ("+", "-")]


def test_a_new_or_removed_service_or_environment_is_one_line(repository: Repository) -> None:
    repository.commit({"Dev/old": NEW, "Staging/backend": NEW, "Dev/backend": NEW})
    repository.write({"Dev/new": NEW, "Production/backend": NEW, "Dev/backend": NEW, "Production/new": NEW})
    assert lines(repository.review()) == [
        f"+ granted   sqs  new environment: {TO_SEND}",
        f"- revoked   sqs  removed environment, once its stack is deleted: {TO_SEND}",
        f"+ granted   sqs  new service: {TO_SEND}",
        f"- revoked   sqs  removed service, once its stack is deleted: {TO_SEND}",
    ]


def test_a_service_that_is_new_in_an_environment_that_had_none_of_it_is_said_so(repository: Repository) -> None:
    repository.commit({"Dev/a": NEW, "Dev/b": NEW, "Staging/a": NEW})
    repository.write({"Dev/a": NEW, "Dev/b": NEW, "Staging/a": NEW, "Staging/b": NEW})
    assert lines(repository.review()) == [f"+ granted   sqs  new in this environment: {TO_SEND}"]


def test_a_policy_name_that_another_file_uses_on_the_same_role_is_called_out(repository: Repository) -> None:
    repository.commit({"Dev/a": NEW, "Production/b": NEW})
    repository.write({"Dev/a": NEW, "Production/b": NEW, "Dev/c": OLD})
    out = repository.review()
    assert "! notice         SQSAccessPolicy (c) and SQSAccessPolicy (a) share the name" in out


def test_only_files_that_changed_are_parsed_however_many_there_are(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {f"{e}/service-{i}": NEW for i in range(300) for e in ("Dev", "Production", "Staging")}
    repository.commit(files)
    repository.write({**files, "Dev/service-1": OLD})
    parsed = []
    read = review.read_template
    monkeypatch.setattr(review, "read_template", lambda text, path: parsed.append(path) or read(text, path))
    assert "service-1 in Dev" in repository.review()
    assert parsed == ["out/Dev/service-1.yml"] * 2


# --- revisions without environment.yml --------------------


def before_it_existed(repository: Repository) -> None:
    """Commit an out/ as it was before environment.yml: templates named as another company names them."""
    repository.commit({"live/acme-api-cfn": OLD, "qa/acme-api-cfn": OLD, "qa/acme-gone-cfn": OLD}, described=False)


def after_it_came(repository: Repository) -> None:
    """Write the same environments as they are now."""
    files = {"live/acme-api-cfn": NEW, "qa/acme-api-cfn": NEW, "qa/acme-worker-cfn": NEW}
    repository.write(files, described=False)
    repository.put("out/live/environment.yml", environment_yml("live", ("api",), names=NAMES, protected=True))
    repository.put("out/qa/environment.yml", environment_yml("qa", ("api", "worker"), names=NAMES))


def test_a_revision_without_environment_yml_is_read_by_its_paths(repository: Repository) -> None:
    before_it_existed(repository)
    after_it_came(repository)
    out = repository.review()
    assert re.findall(r"^(\w+) in (.*)", out, re.MULTILINE) == [
        ("api", "live, qa"),
        ("gone", "qa"),
        ("worker", "qa"),
    ]
    assert "removed service" in out
    assert "environment.yml" not in out
    assert "api in live" in repository.review("HEAD", "--service=api", "--environment=live")


def test_it_makes_no_difference_which_side_is_the_older_one(repository: Repository) -> None:
    before_it_existed(repository)
    after_it_came(repository)
    repository.git("add", "-A")
    repository.git("commit", "-q", "-m", "x")
    out = repository.review("HEAD", "HEAD~1")
    assert re.findall(r"^(api|gone|worker) in (.*)", out, re.MULTILINE) == [
        ("api", "live, qa"),
        ("gone", "qa"),
        ("worker", "qa"),
    ]
    assert out.count("cannot tell: there is no out/live/environment.yml, which names stacks, roles and account") == 1


def test_two_revisions_without_it_are_compared_too(repository: Repository) -> None:
    before_it_existed(repository)
    repository.write({"live/acme-api-cfn": NEW, "qa/acme-api-cfn": OLD, "qa/acme-gone-cfn": OLD}, described=False)
    assert "\nacme-api-cfn in live\n" in repository.review()
    repository.commit({"live/acme-api-cfn": NEW}, described=False)
    assert lines(repository.review("HEAD~1", "HEAD"))[0].startswith("- narrowed  sqs  sqs:* on every queue")


@pytest.mark.parametrize("key", ["live/acme-api", "live/Acme", "live/a.b"])
def test_a_file_that_no_pattern_fits_is_of_its_own_name_and_hides_no_other(repository: Repository, key: str) -> None:
    repository.commit({"live/api": NEW})
    repository.write({"live/api": NEW})
    repository.put(f"out/{key}.yaml", OLD)
    assert f"\n{key.split('/')[1]}.yaml in live\n" in repository.review()
    repository.put("out/live/api.yaml", OLD)
    assert "\napi.yaml in live\n" in repository.review()


# --- environment.yml that is none --------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "out/Dev/environment.yml:1: is empty"),
        ("environment: Dev\nnames: [", "out/Dev/environment.yml:3: not YAML: did not find expected node content"),
        ("- x", "out/Dev/environment.yml:1: is no map: run `make render`"),
        ("environment: Dev", "out/Dev/environment.yml:1: lacks names: run `make render`"),
        (
            environment_yml("Staging"),
            'out/Dev/environment.yml:3: is of "Staging", and lies in the folder of Dev: run `make render`',
        ),
        (
            environment_yml("Dev", protected=True).replace("protected: true", "protectd: true"),
            "out/Dev/environment.yml:4: nothing is called protectd; known: environment, protected, after, account, "
            "region, principal, wildcards, names, parameters, task_roles. Did you mean 'protected'?: run `make render`",
        ),
        (
            environment_yml("Dev", protected=True).replace("protected: true", "protected: yes"),
            'out/Dev/environment.yml:4: protected cannot be "yes": run `make render`',
        ),
        (
            environment_yml("Dev").replace("{service}.yml", "all.yml"),
            "out/Dev/environment.yml:6: needs {service}: without it two would have one name: run `make render`",
        ),
        (
            environment_yml("Dev").replace("stack:", "stacks:"),
            'out/Dev/environment.yml:4: names cannot be {"stacks": "{service}-taskrole-dev", "template": "{service}....: '
            "run `make render`",
        ),
        (
            environment_yml("Dev").replace("export:", "exports:"),
            'out/Dev/environment.yml:10: task_roles cannot be {"backend": {"exports": "backend-role"}}: run `make render`',
        ),
    ],
)
def test_an_environment_yml_that_is_none_is_said_with_its_place_and_side(
    repository: Repository, text: str, message: str
) -> None:
    repository.commit({"Dev/backend": NEW})
    repository.put("out/Dev/environment.yml", text)
    for side in ("working tree", "HEAD"):
        code, out, err = repository.run("HEAD", "--fail-on=widened")
        assert (code, err) == (1, "")
        found = [" ".join(line.split()) for line in out.splitlines() if line[:3] == "  +"]
        assert found == [
            f"+ widened cannot tell: out/Dev/environment.yml changed: it cannot be read: {message} ({side})"
        ]
        repository.git("commit", "-q", "-a", "-m", "x")
        repository.write({"Dev/backend": NEW})


def test_all_that_are_none_are_said_at_once(repository: Repository) -> None:
    repository.commit({"Dev/backend": NEW, "Staging/backend": NEW})
    repository.put("out/Dev/environment.yml", "")
    (repository.folder / "out/Staging/environment.yml").write_bytes(b"# one\n\xff")
    code, out, err = repository.run("HEAD", "--fail-on=widened")
    assert (code, err) == (1, "")
    assert [line.removeprefix("+ widened   cannot tell: ") for line in lines(out)] == [
        f"out/{name}/environment.yml changed: it cannot be read: out/{name}/environment.yml:{fault} (working tree)"
        for name, fault in (("Dev", "1: is empty"), ("Staging", "2: not UTF-8"))
    ]
