"""The peers of the bench: how each is installed, beside the project and never into it, fed, run and compared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent / "peers"
PYTHON_PEERS = ("sceptre==4.7.0", "troposphere==4.11.1", "awacs==2.6.1", "jinja2-cli==1.0.1")
NODE_PEERS = ("aws-cdk-lib@2.276.0", "constructs@10.8.1")
NPM = ("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts")
EACH = (
    'for it in *.json; do "$0" --outfile "../out-jinja2/$it" ../sceptre/templates/taskrole.yml.j2 "$it" || exit; done'
)


def commands(work: Path, folder: Path) -> dict[str, tuple[list[str], str]]:
    """Return how to run each peer in the rendered project `folder`, and why it cannot be, if it could not be installed.

    Installs the peers into `work`, and writes their input into `folder`.
    """
    prepare(folder, templates(folder))
    tools, node = work / "python/bin", work / "node"
    pip = [f"{tools}/python", "-m", "pip", "install", "-qq", "--disable-pip-version-check", *PYTHON_PEERS]
    python = install([sys.executable, "-m", "venv", f"{work}/python"], pip)
    cdk = ["env", f"NODE_PATH={node}/node_modules", "node", f"{HERE}/with_cdk.js"]
    missing = install([*NPM, "--prefix", str(node), *NODE_PEERS])
    return {
        "sceptre generate": (
            ["sh", "-c", '"$0" --dir sceptre generate . >out-sceptre/all', f"{tools}/sceptre"],
            python,
        ),
        "troposphere and awacs": ([f"{tools}/python", f"{HERE}/with_troposphere.py"], python),
        "jinja2-cli, once a file": (["sh", "-c", f"cd each && {EACH}", f"{tools}/jinja2"], python),
        "CDK synth": (cdk, missing),
        "CDK synth without its validation": (["env", "CDK_VALIDATION=false", *cdk], missing),
    }


def check(folder: Path) -> None:
    """Raise SystemExit if a peer granted something else than the templates of out/."""
    expected = [{policy["name"]: policy["statements"] for policy in it["policies"]} for it in templates(folder)]
    for kind in ("sceptre", "troposphere", "jinja2", "cdk"):
        found = [
            {name: it["PolicyDocument"]["Statement"] for name, it in template.items()}
            for template in written(folder / f"out-{kind}")
        ]
        if found and sorted(map(repr_sorted, found)) != sorted(map(repr_sorted, expected)):
            raise SystemExit(f"{folder}/out-{kind} grants something else than out/: the contest is void")


def repr_sorted(data: Any) -> str:
    """Return data as text in which the order of keys does not show."""
    return json.dumps(data, sort_keys=True)


def templates(folder: Path) -> list[dict[str, Any]]:
    """Return the templates of out/ as the data that a peer makes them from."""
    return [policies_of(path) for path in sorted((folder / "out").glob("*/*.yml")) if path.name != "environment.yml"]


def policies_of(path: Path) -> dict[str, Any]:
    """Return a template as the data that a peer makes it from, with actions and resources as lists."""
    template = resources(path.read_text())
    policies = []
    for name, properties in template.items():
        statements = [
            {
                **each,
                **{key: each[key] if isinstance(each[key], list) else [each[key]] for key in ("Action", "Resource")},
            }
            for each in properties["PolicyDocument"]["Statement"]
        ]
        policies.append({"name": name, "statements": statements})
        role = properties["Roles"][0]["Fn::ImportValue"]["Fn::Sub"]
    service = path.stem
    return {"service": service, "environment": path.parent.name, "task_role": role, "policies": policies}


def resources(text: str) -> dict[str, Any]:
    """Return the properties of the policies in a template, YAML or JSON, by logical id; none if it is no template."""
    loader = type("Loader", (yaml.CSafeLoader,), {})
    loader.add_constructor("!Sub", sub)
    found = yaml.load(text, loader).get("Resources", {})  # noqa: S506 - a safe loader
    return {name: it["Properties"] for name, it in found.items() if it["Type"] == "AWS::IAM::Policy"}


def sub(loader: yaml.CSafeLoader, node: yaml.Node) -> dict[str, Any]:
    """Return !Sub in its long form."""
    if isinstance(node, yaml.ScalarNode):
        return {"Fn::Sub": node.value}
    return {"Fn::Sub": loader.construct_sequence(node, deep=True)}


def prepare(folder: Path, data: list[dict[str, Any]]) -> None:
    """Write the input of the peers, each in its own form, and make the folders for their output."""
    (folder / "data.json").write_text(json.dumps(data))
    for kind in ("sceptre", "troposphere", "jinja2"):
        (folder / f"out-{kind}").mkdir()
    (folder / "sceptre/templates").mkdir(parents=True)
    shutil.copy(HERE / "taskrole.yml.j2", folder / "sceptre/templates")
    (folder / "sceptre/config").mkdir()
    (folder / "sceptre/config/config.yaml").write_text("{project_code: bench, region: ap-northeast-1}\n")
    (folder / "each").mkdir()
    for it in data:
        given = {"sceptre_user_data": it}
        (folder / f"each/{it['service']}-{it['environment']}.json").write_text(json.dumps(given))
        stack = {"template": {"type": "file", "path": "taskrole.yml.j2"}, **given}
        path = folder / f"sceptre/config/{it['environment']}/{it['service']}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(stack))


def install(*commands: list[str]) -> str:
    """Run the commands that install a peer; return why one failed, in a line, else nothing."""
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode:
            return (done.stderr.strip() or done.stdout.strip() or "failed").splitlines()[-1]
    return ""


def written(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the policies of each template that a peer wrote: a file each, or all in one."""
    texts = [path.read_text() for path in sorted(folder.glob("*.json"))]
    texts += yaml.safe_load_all((folder / "all").read_text()) if (folder / "all").exists() else []
    yield from filter(None, map(resources, texts))
