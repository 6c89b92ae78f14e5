"""The projects that the bench measures: copies of this one, with more services or as many."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path.append(str(HERE))  # for bench.py, which shows what others print as the project does
WORK = HERE / ".cache/bench"
BIN = HERE / ".venv/bin"
RENDER = [f"{BIN}/python", "render.py"]
VERB = [f"{BIN}/python", "-I", "taskroles"]
BARE = [f"{BIN}/python", f"{HERE}/bench/bare.py"]
# Renders, and leaves what templates/access.md.j2 was given, for bare.py.
FIRST_RENDER = """
import json
from taskroles.commands import render
from taskroles.rendering.partials import Renderer
text = Renderer.text
def recorded(renderer, name, **given):
    if name == "templates/access.md.j2":
        graphs = [{**graph, "edges": [edge._asdict() for edge in graph["edges"]]} for graph in given["graphs"]]
        json.dump({**given, "graphs": graphs}, open("access.json", "w"))
    return text(renderer, name, **given)
Renderer.text = recorded
raise SystemExit(render.main([]))
"""


def project(name: str, services: str) -> Path:
    """Return a copy of the project with these services, rendered; the bare script must write the same bytes."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    for source in ("templates", "policies", "taskroles"):
        shutil.copytree(HERE / source, folder / source, ignore=shutil.ignore_patterns("__pycache__"))
    for program in ("render.py", ".cfnlintrc.yaml"):
        shutil.copy(HERE / program, folder)
    (folder / "services.yml").write_text(services)
    subprocess.run([f"{BIN}/python", "-c", FIRST_RENDER], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    rendered = contents(folder)
    shutil.rmtree(folder / "out")
    subprocess.run(BARE, cwd=folder, check=True)
    if contents(folder) != rendered:
        raise SystemExit(f"bare.py and render.py wrote different files in {folder}")
    return folder


def contents(folder: Path) -> dict[Path, bytes]:
    """Return the content of each file of out/."""
    return {path: path.read_bytes() for path in (folder / "out").rglob("*") if path.is_file()}


NAMES = """\
names:
  stack: "acme-{service}-taskrole-{environment}"
  template: "{service}.yml"
  policy: "{AwsService}AccessPolicy-{service}-${EnvType}"
parameters: {VpcStack: acme-vpc}
environments:
"""


def services_yml(count: int, environments: tuple[str, ...] = ("dev", "qa", "live")) -> str:
    """Return a services.yml of `count` services, each with a queue and a table of its own; 1 in 100 sends."""
    named = "".join(f"  {name}: {{{'wildcards: true' if name == 'dev' else ''}}}\n" for name in environments)
    targets = (
        f'  queue-{n}: {{import: "Queue{n}-${{EnvType}}"}}\n  table-{n}: {{name: table-{n}}}\n' for n in range(count)
    )
    services = (
        f'  service-{n}:\n    task_role: "${{VpcStack}}-Service{n}EcsTaskRole-${{EnvType}}"\n    policies:\n'
        f"      sqs: {{dev: full, default: {{{'consume' if n % 100 else 'send'}: queue-{n}}}}}\n"
        f"      dynamodb: {{dev: full, default: {{read-write: table-{n}}}}}\n"
        for n in range(count)
    )
    return f"{NAMES}{named}targets:\n{''.join(targets)}services:\n{''.join(services)}"


def widened(services: str) -> str:
    """Return a services.yml whose services may do everything that they name, on every resource."""
    full = re.sub(r"\{dev: full, default: .*\}", "full", services)
    return re.sub(r"^targets:\n(  .*\n)*", "", full, flags=re.MULTILINE)


def commit(folder: Path) -> None:
    """Commit out/, in a repository of its own."""
    git = ["git", "-c", "user.name=bench", "-c", "user.email=bench@example.com"]
    for command in (["init", "-q"], ["add", "-A", "--", "out"], ["commit", "-qm", "bench"]):
        subprocess.run([*git, *command], cwd=folder, check=True)


def edit(path: Path, one: str, other: str) -> None:
    """Let a file say `other` where it says `one`, or the other way round."""
    text = path.read_text()
    path.write_text(text.replace(one, other) if one in text else text.replace(other, one))


def forget(folder: Path) -> None:
    """Remove what a render left."""
    shutil.rmtree(folder / "out")
    shutil.rmtree(folder / ".cache")
