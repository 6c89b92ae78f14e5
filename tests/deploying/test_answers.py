"""Whatever answers, or does not, becomes a sentence that says what to do: of each verb, and without a traceback."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
from typing import TYPE_CHECKING

import deployed
import pytest
from hostile import Hostile
from project import Project
from proxy import Answer, closed, expired, failed, html, proxy, throttled

from taskroles.commands import status
from taskroles.deploying import aws
from taskroles.deploying.answers import failure_of_the_aws_cli
from taskroles.deploying.aws_cli import usable_aws_cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from proxy import Proxy

    Said = Callable[..., str]

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
NOWHERE = "http://127.0.0.1:9"
NOT_AWS = "GetCallerIdentity was answered by something that is not AWS"
DENIED = "User: test is not authorized to perform: cloudformation:DescribeStacks"
VERBS = {
    "preview": ["./deploy.sh", "--preview", "Staging", "backend"],
    "deploy": ["./deploy.sh", "Staging", "backend"],
    "drift": ["./deploy.sh", "--drift", "Staging", "backend"],
    "destroy": ["./deploy.sh", "--destroy", "--yes", "Staging", "backend"],
    "status": ["python3", "-I", "taskroles", "status", "Staging", "backend"],
    "review": ["python3", "-I", "taskroles", "review", "--environment=Staging", "deployed"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    """Return a project of two services, all committed."""
    project = Project(tmp_path_factory.mktemp("project"))
    deployed.commit(project)
    return project


@pytest.fixture
def between() -> Iterator[Proxy]:
    """Yield a proxy that plays AWS, as a test wants it; there is none behind it."""
    with proxy(deployed.no_aws(AWS_ENDPOINT_URL=NOWHERE, AWS_MAX_ATTEMPTS="1")) as between:
        between.play("*", Hostile(sober=True))
        yield between


@pytest.fixture
def said(project, between, tmp_path, monkeypatch, capsys) -> Said:
    """Return what runs `status` with a text in ~/.aws/config: it must refuse in one line, which is returned."""

    def said(config: str | bytes = "", **environment: str) -> str:
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws/config").write_bytes(config if isinstance(config, bytes) else config.encode())
        files = {"HOME": str(tmp_path), "AWS_CONFIG_FILE": str(tmp_path / ".aws/config")}
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in {**between.aws, **files, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(project.folder)
        for cached in (aws.client, aws.session, aws.caller):
            cached.cache_clear()
        code, printed = status.main(["Staging", "backend"]), capsys.readouterr()
        (line,) = printed.err.strip().splitlines()
        assert (code, printed.out) == (1, ""), line
        return line

    return said


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Forget after each test whom it has asked, and as whom."""
    yield
    for cached in (aws.client, aws.session, aws.caller):
        cached.cache_clear()


# --- through each door ---------------


@pytest.mark.parametrize("verb", VERBS)
def test_a_page_in_place_of_an_answer_is_said_by_each_verb(project, between, verb) -> None:
    between.play("GetCallerIdentity", html(200))

    done = deployed.run(project, between.aws | KEYS, *VERBS[verb])

    assert done.returncode == (2 if verb == "review" else 1), done.stderr  # 1 is a finding of a review's gate
    assert len(deployed.lines_about(done.stderr, NOT_AWS, "HTTPS_PROXY")) == 1
    assert "Traceback" not in done.stderr
    assert set(between.calls) == {"GetCallerIdentity"}


# --- what answers --------------------


@pytest.mark.parametrize(
    ("play", "sentence"),
    [
        (html(200), f"{NOT_AWS}; see the network, HTTPS_PROXY and NO_PROXY, and AWS_ENDPOINT_URL if it is set"),
        (html(403), f"{NOT_AWS} (HTTP status 403, its page is called 'Access to this site'); see the network"),
        (html(502), f"{NOT_AWS} (HTTP status 502)"),
        (html(302), f"{NOT_AWS} (HTTP status 302"),
        (lambda *_: Answer(200, b"<title>Log\nin</title><br>"), f"{NOT_AWS} (its page is called 'Log in')"),
        (lambda *_: Answer(200), NOT_AWS),
        (lambda *_: Answer(403), NOT_AWS),
        (lambda *_: Answer(200, b"<a><GetCallerIdentityResult/></a>"), NOT_AWS),
        (closed(99), "Connection was closed before we received a valid response"),
        (throttled(99), "AWS has throttled GetCallerIdentity however often it was tried (Throttling: Rate exceeded)"),
        (expired(), "the credentials have expired (ExpiredToken in GetCallerIdentity); log in again"),
        (failed("InvalidClientTokenId", "no such key", 403), "AWS does not know these credentials (Invalid"),
        (failed("SignatureDoesNotMatch", "expired", 403), "AWS refuses the signature (SignatureDoesNotMatch: expired)"),
        (failed("ServiceUnavailable", "x", 503), "AWS itself has failed in GetCallerIdentity (ServiceUnavailable: x)"),
    ],
)
def test_an_answer_that_is_none_is_said(said, between, play, sentence) -> None:
    between.play("GetCallerIdentity", play)

    line = said(**KEYS)

    assert line.startswith(f"deploy.sh: AWS cannot be asked: {sentence}"), line
    assert line.endswith("(no AWS_PROFILE set; `aws sts get-caller-identity` must work)")


def test_what_aws_denies_of_the_very_thing_that_was_asked_is_said_without_doubt_about_who_asks(said, between) -> None:
    between.play("DescribeStacks", failed("AccessDenied", DENIED, 403))
    line = said(**KEYS)
    assert line == f"deploy.sh: DescribeStacks ended with AccessDenied: {DENIED} (no AWS_PROFILE set)"


@pytest.mark.parametrize("action", ["DescribeStacks", "ListExports"])
def test_a_token_that_expires_between_two_calls_is_said(project, between, action) -> None:
    between.play(action, expired())
    done = deployed.run(project, between.aws | KEYS, *VERBS["drift"])
    assert done.returncode == 1
    assert deployed.lines_about(done.stderr, f"the credentials have expired (ExpiredToken in {action}); log in again")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"AWS_ENDPOINT_URL": NOWHERE}, f'Could not connect to the endpoint URL: "{NOWHERE}/"; see the network'),
        (
            {"AWS_ENDPOINT_URL": "http://aws.invalid", "HTTP_PROXY": NOWHERE, "NO_PROXY": ""},
            f'Failed to connect to proxy URL: "{NOWHERE}"; see the network, HTTPS_PROXY',
        ),
        ({"AWS_ACCESS_KEY_ID": ""}, "Unable to locate credentials; log in (`aws sso login`, `aws login`), or"),
        ({"AWS_SECRET_ACCESS_KEY": ""}, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY; write both"),
        ({"AWS_DEFAULT_REGION": ""}, "AWS_REGION or AWS_DEFAULT_REGION is empty: set it, or unset both"),
        ({"AWS_DEFAULT_REGION": "eu west"}, "Provided region_name 'eu west' doesn't match a supported format"),
    ],
)
def test_an_address_keys_or_a_region_that_cannot_be_are_said(said, environment, sentence) -> None:
    assert said(**KEYS | environment).startswith(f"deploy.sh: AWS cannot be asked: {sentence}")


def test_a_certificate_of_a_proxy_is_said(said, between) -> None:
    line = said(**KEYS, AWS_ENDPOINT_URL=between.aws["AWS_ENDPOINT_URL"].replace("http:", "https:"))
    assert "SSL validation failed" in line
    assert "; if a proxy stands in between, set AWS_CA_BUNDLE to the file of its certificate" in line


# --- what ~/.aws/config has ----------

SSO = "sso_account_id=1\nsso_role_name=r\n"
ROLE = "[profile a]\nrole_arn=arn:aws:iam::1:role/x\n"


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ("[profile b]\n[profile aa]\n", "no profile is called a; ~/.aws has aa, b. Did you mean 'aa'"),
        ("[profile a]\nthis is no line\n", r"Unable to parse config file: .*\[line 2\]: 'this is .*; repair this file"),
        (b"\xff\xfe[profile a]", "Unable to parse config file: .*codec can't decode.*; repair this file"),
        ("[profile a]\ns3 =\n  x\n", "Unable to parse config file: .*; repair this file"),
        (f"{ROLE}source_profile=b\n", 'The source_profile "b" referenced in the profile "a" does not exist'),
        (f"{ROLE}web_identity_token_file=/no/file", "FileNotFoundError: .*/no/file"),
        (f"[profile a]\n{SSO}sso_session=s\n[sso-session s]\nsso_start_url=https://x\nsso_region=eu-west-1\n",
         "Error loading SSO Token: Token for s does not exist; run `aws sso login --profile a`"),
        (f"[profile a]\n{SSO}sso_start_url=https://x\nsso_region=eu-west-1\n",
         "Error loading SSO Token: Token for https://x does not exist; run `aws sso login --profile a`"),
        ("[profile a]\ncredential_process=sh -c 'echo no json'\n", "the credential_process .*: it prints no JSON object"),
        ("[profile a]\ncredential_process=sh -c 'echo []'\n", "the credential_process .*: it prints no JSON object"),
        ("[profile a]\ncredential_process=printf '\\377'\n", "the credential_process .*: it prints no JSON object"),
        ("[profile a]\ncredential_process=sh -c 'echo {}'\n", "the credential_process .* says: Unsupported version"),
        ("[profile a]\ncredential_process=sh -c 'echo trace >&2; echo gone. >&2; exit 3'\n",
         "the credential_process of the profile fails and says: gone \\("),
        ("[profile a]\ncredential_process=false\n", "the credential_process of the profile fails and says: nothing"),
        ("[profile a]\ncredential_process=/no/such/program\n", "the credential_process .*/no/such/program cannot be run"),
        ("[profile a]\ncredential_process=sh -c 'x\n", "the credential_process .*: No closing quotation"),
    ],
)  # fmt: skip
def test_a_profile_that_gives_no_credentials_is_said(said, config, sentence) -> None:
    line = said(config, AWS_PROFILE="a")
    assert re.match(f"deploy.sh: AWS cannot be asked: {sentence}", line), line
    assert line.endswith("(profile a; `aws sts get-caller-identity` must work)")


# --- an `aws login` ------------------


@pytest.fixture
def login(tmp_path) -> Callable[[str], dict[str, str]]:
    """Return the environment of a profile with an `aws login`, for an AWS CLI that is this script, and an old one."""

    def put(script: str) -> dict[str, str]:
        for folder, version in (("old", "1.16.9"), ("new AWS CLI", "2.38.5")):
            (tmp_path / folder).mkdir()
            cli = tmp_path / folder / "aws"
            says = f'if [ "$*" = --version ]; then echo aws-cli/{version}; exit; fi'
            cli.write_text(f"#!/bin/sh\n{says}\necho \"$*\" >>'{tmp_path}/asked'\n{script}\n")
            cli.chmod(0o755)
        usable_aws_cli.cache_clear()
        return {"AWS_PROFILE": "a", "PATH": f"{tmp_path}/old{os.pathsep}{tmp_path}/new AWS CLI"}

    return put


LOGIN = "[profile a]\nlogin_session=arn:aws:iam::000000000000:user/test\n"


def test_the_credentials_of_an_aws_login_come_from_the_aws_cli(said, between, login, tmp_path) -> None:
    between.play("DescribeStacks", failed("AccessDenied", DENIED, 403))
    keys = '{"Version": 1, "AccessKeyId": "of-the-login", "SecretAccessKey": "x", "SessionToken": "y"}'

    assert "DescribeStacks ended with AccessDenied" in said(LOGIN, **login(f"echo '{keys}'"))

    asked = "configure export-credentials --format process --profile a\n"
    assert (tmp_path / "asked").read_text() == asked


def test_an_aws_login_that_the_aws_cli_does_not_know_is_said(said, login) -> None:
    line = said(LOGIN, **login("echo 'aws: [ERROR]: Please reauthenticate' >&2; exit 255"))
    assert "the profile is an `aws login`, of which AWS CLI 2 alone can tell the credentials, and it fails" in line
    assert "aws: [ERROR]: Please reauthenticate (profile a;" in line


# --- how the AWS CLI says it ---------


def test_no_setting_of_the_aws_cli_changes_what_a_deploy_reads_of_it(project, between, tmp_path) -> None:
    wanted = {"AWS_CLI_ERROR_FORMAT": "legacy", "AWS_CLI_AUTO_PROMPT": "off", "AWS_DEFAULT_OUTPUT": "json"}
    wanted |= {"AWS_CLI_FILE_ENCODING": "UTF-8", "AWS_PAGER": ""}
    given = {"AWS_CLI_ERROR_FORMAT": "table", "AWS_CLI_AUTO_PROMPT": "on", "AWS_DEFAULT_OUTPUT": "off"}
    given |= {"AWS_CLI_FILE_ENCODING": "cp932", "AWS_PAGER": "less"}
    real = shutil.which("aws", path=between.aws["PATH"])
    (tmp_path / "aws").write_text(f'#!/bin/sh\n[ "$1" = --version ] || env >>\'{tmp_path}/env\'\nexec "{real}" "$@"\n')
    (tmp_path / "aws").chmod(0o755)
    between.play("CreateChangeSet", failed("LimitExceededException", "ChangeSet limit exceeded"))
    path = {"PATH": f"{tmp_path}{os.pathsep}{between.aws['PATH']}"}

    done = deployed.run(project, between.aws | KEYS | given | path, *VERBS["preview"])

    assert done.returncode == 1
    assert deployed.lines_about(
        done.stdout, "backend", "failed", "(LimitExceededException)", "ChangeSet limit exceeded"
    )
    lines = set((tmp_path / "env").read_text().splitlines())
    assert {f"{name}={value}" for name, value in wanted.items()} <= lines


PARSING = "aws: [ERROR]: Unable to parse response (syntax error: line 1), invalid XML received. Further retries may"
CREATE = "CreateChangeSet was answered by something that is not AWS; see the network"


@pytest.mark.parametrize(
    ("printed", "sentence"),
    [
        ("\nWaiting for changeset to be created..\n\nToo many\n", "Too many"),
        ("", "it said nothing"),
        ("\n'CreateChangeSetResult'\n", CREATE),
        ("aws: [ERROR]: 'CreateChangeSetResult'\n", CREATE),
        ("\nAn error occurred (Unknown) when calling the CreateChangeSet operation: Unknown\n", CREATE),
        ("An error occurred (502) when calling the CreateChangeSet operation (reached max retries: 4): Bad", CREATE),
        (f"{PARSING} succeed:\nb'<title>Login</title><br>'\n", "a call was answered by something that is not AWS (its"),
        (
            "An error occurred (Throttling) when calling the CreateChangeSet operation: x",
            "An error occurred (Throttling)",
        ),
    ],
)
def test_a_page_that_the_aws_cli_was_given_is_said_too(printed, sentence) -> None:
    assert failure_of_the_aws_cli(printed).startswith(sentence)


# --- a second factor -----------------

MFA = f"""{ROLE}mfa_serial=arn:aws:iam::1:mfa/test
source_profile=b
[profile b]
aws_access_key_id=test
aws_secret_access_key=test
"""
ASSUMED = b"""<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>of-the-role</AccessKeyId>
<SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>"""


def on_a_terminal(project: Project, environment: dict[str, str], typed: str, *command: str) -> tuple[int, str]:
    """Run a command on a terminal of its own, and type whenever it asks; return its exit code and what it printed."""
    child, terminal = pty.fork()
    if not child:
        os.chdir(project.folder)
        os.execvpe(command[0], command, environment)  # noqa: S606 - nothing for a shell
    printed, times = b"", 0
    while select.select([terminal], [], [], deployed.PATIENCE)[0]:
        try:
            printed += os.read(terminal, 1024)
        except OSError:  # its other end is closed
            break
        if printed.count(b"Enter MFA code") > times:
            os.write(terminal, typed.encode())
            times += 1
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), printed.decode()


def test_a_code_is_asked_for_once_in_a_deploy_and_the_aws_cli_finds_what_it_gave(project, between, tmp_path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(MFA)
    files = {"HOME": str(tmp_path), "AWS_CONFIG_FILE": str(tmp_path / ".aws/config"), "AWS_PROFILE": "a"}
    codes = []
    between.play("AssumeRole", lambda asked, _: codes.append(asked.parameters["TokenCode"]) or Answer(200, ASSUMED))

    code, printed = on_a_terminal(project, between.aws | files, "123456\n", *VERBS["preview"])

    assert code == 0, printed
    assert codes == ["123456"]
    assert printed.count("Enter MFA code for arn:aws:iam::1:mfa/test:") == 1
    assert between.calls["CreateChangeSet"] == 1
    assert len(list((tmp_path / ".aws/cli/cache").glob("*.json"))) == 1


def test_a_code_that_is_not_accepted_is_said(project, between, tmp_path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(MFA)
    files = {"HOME": str(tmp_path), "AWS_CONFIG_FILE": str(tmp_path / ".aws/config"), "AWS_PROFILE": "a"}
    message = "MultiFactorAuthentication failed with invalid MFA one time pass code."
    between.play("AssumeRole", failed("AccessDenied", message, 403))

    sentences = {
        "123456\n": f"the code of the second factor was not accepted ({message}); each code holds once: wait for the next",
        "1234\n": "the code of a second factor has six digits, and what was typed has not",
        "\x04": "no code of the second factor was typed",
    }
    for typed, sentence in sentences.items():
        code, printed = on_a_terminal(project, between.aws | files, typed, *VERBS["status"])
        assert code == 1
        assert f"AWS cannot be asked: {sentence}" in printed
        assert "Traceback" not in printed


def test_without_a_terminal_a_second_factor_is_a_line_and_no_question(project, between, tmp_path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(MFA)
    files = {"HOME": str(tmp_path), "AWS_CONFIG_FILE": str(tmp_path / ".aws/config"), "AWS_PROFILE": "a"}
    open_end, _ = os.pipe()  # a standard input on which nothing ever comes

    done = subprocess.run(
        VERBS["status"],
        cwd=project.folder,
        env=between.aws | files,
        stdin=open_end,
        capture_output=True,
        text=True,
        timeout=deployed.PATIENCE,
        start_new_session=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "wants the code of a second factor, and there is no terminal to type it on; run `aws sts" in done.stderr
    assert "Traceback" not in done.stderr
