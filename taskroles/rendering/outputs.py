"""out/: what services.yml renders to, next to what is there; written, removed, or shown as a difference."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from taskroles.documents import Document
from taskroles.faults import BadInput, printable
from taskroles.rendering import environments, iam, overview
from taskroles.rendering.environments import path_of
from taskroles.rendering.partials import TEMPLATE, FaultyPolicy, Policy, Renderer
from taskroles.rendering.state import State, digest, write
from taskroles.table import grammar
from taskroles.table.checks import check
from taskroles.table.schema import validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from taskroles.rendering.partials import RefusedGrant
    from taskroles.table.grammar import Environment, Service, Table, TaskRole
    from taskroles.table.policies import Fault, Grant

MOST_LINES = 20


class Output(NamedTuple):
    """A file of out/: its content (None: the same as on disk), a digest of all it came from, its characters in IAM."""

    content: bytes | None
    origin: str
    characters: int


class Differences(NamedTuple):
    """How out/ differs from what it should be: contents to write, files to remove, and files that are not ours."""

    changed: dict[str, bytes]
    stale: list[str]
    strangers: list[str]


def write_outputs(state: State) -> int:
    """Bring out/ up to date, record it and say what was done; return the exit code."""
    outputs = render(state)
    found = compare(state, outputs)
    refuse_obstacles([*found.changed, *found.stale])
    for path, content in found.changed.items():
        write(path, content)
    for path in found.stale:
        os.unlink(path)
    tidy("out")
    record(state, outputs, found)
    say("wrote", list(found.changed))
    say("removed", found.stale)
    if not found.changed and not found.stale:
        print(f"out/ is up to date ({len(outputs)} files)")
    return report(found.strangers)


def check_outputs(state: State) -> int:
    """Show how out/ differs from what it should be and what repairs it; change nothing; return the exit code."""
    outputs = render(state)
    found = compare(state, outputs)
    for path in sorted([*found.changed, *found.stale]):
        sys.stdout.writelines(difference(path, found.changed.get(path, b"")))
    count = len(found.changed) + len(found.stale)
    if count:
        print(f"out/ is stale, {count} file{'s'[: count > 1]}: run `make render` and commit out/", file=sys.stderr)
    else:
        print(f"out/ is up to date ({len(outputs)} files)")
    return max(report(found.strangers), int(count > 0))


def render(state: State) -> dict[str, Output]:
    """Return all that out/ should hold, by path; raise BadInput with every fault of the sources."""
    table, renderer = read_sources(state)
    on_disk = recorded_outputs(state)
    outputs: dict[str, Output] = {}
    faults = renderer.name_faults()
    common = {name: common_origin(state, renderer, environment) for name, environment in table.environments.items()}
    for service in with_progress(table.services.values()):
        for environment in table.environments.values():
            if not service.policies[environment.name]:
                continue
            path = path_of(service, environment)
            origin = origin_of(state, renderer, service, environment, common[environment.name])
            known = on_disk.get(path)
            try:
                same = known is not None and known.origin == origin
                outputs[path] = known if same else output(renderer, service, environment, origin, table.document)
            except BadInput as error:
                faults += error.faults
    if faults:
        raise BadInput(faults)
    characters = {path: made.characters for path, made in outputs.items()}
    table.document.refuse([*quota_faults(table, outputs)])
    for environment in table.environments.values():
        text = environments.rendered(environment, table.services.values())
        outputs[f"out/{environment.name}/{environments.FILE}"] = Output(text.encode(), "-", 0)
    text = overview.overview(renderer, table, characters)
    if iam.BANNER not in text.partition("\n")[0]:
        raise BadInput([f"{overview.TEMPLATE}:1: {iam.NO_BANNER}"])
    outputs[overview.PATH] = Output(text.encode(), "-", 0)
    return outputs


def read_sources(state: State) -> tuple[Table, Renderer]:
    """Return the table of services.yml and what renders it; raise BadInput with the faults of services.yml."""
    sources = decoded(state.sources)
    for path in (grammar.FILE, TEMPLATE, overview.TEMPLATE):
        if path not in sources:
            raise BadInput([f"{path}: is missing"])
    document = Document(grammar.FILE, sources[grammar.FILE])
    if not state.is_recorded_of(grammar.FILE):
        validate(document)
    renderer = Renderer(sources, grammar.parameter_sizes(document.data))
    levels = renderer.levels()
    check(document, levels)
    return grammar.resolve(document, levels), renderer


def with_progress(services: Iterable[Service]) -> Iterator[Service]:
    """Yield each service; on a terminal, say how far it is when that takes longer than a second."""
    found = list(services)
    due, said = time.monotonic() + 1, False
    for count, service in enumerate(found):
        if time.monotonic() > due and sys.stderr.isatty():
            print(f"\rrendering: {count:,} of {len(found):,} services", end="", file=sys.stderr, flush=True)
            due, said = time.monotonic() + 0.2, True
        yield service
    if said:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def decoded(sources: dict[str, bytes]) -> dict[str, str]:
    """Return the sources as text, with LF at the ends of lines; raise BadInput for those that are not UTF-8."""
    texts, faults = {}, []
    for path, content in sources.items():
        try:
            texts[path] = content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            faults.append(f"{path}:{line}: is not UTF-8 (byte {content[error.start]:#x}); save it as UTF-8")
    if faults:
        raise BadInput(faults)
    return texts


def common_origin(state: State, renderer: Renderer, environment: Environment) -> str:
    """Return as text what all templates of an environment come from: the program, the names, the parameters."""
    return repr((state.digests["the program"], renderer.parameters, *environment.names, environment.parameters))


def origin_of(state: State, renderer: Renderer, service: Service, environment: Environment, common: str) -> str:
    """Return a digest of all that the template of `service` in `environment` comes from, `common` among it."""
    policies = service.policies[environment.name]
    levels = frozenset((aws_service, grant.level) for aws_service, grants in policies.items() for grant in grants)
    own = [(aws_service, *map(tuple, grants)) for aws_service, grants in policies.items()]
    parts = [
        common,
        repr((service.name, *service.task_role, environment.name, own)),
        *(state.digests[path] for path in renderer.needed_for(levels)),
    ]
    return digest("\n".join(parts).encode())


def output(
    renderer: Renderer, service: Service, environment: Environment, origin: str, document: Document | None = None
) -> Output:
    """Render the template of `service` in `environment`; raise BadInput with every fault of its partials.

    What a partial refuses is a fault of `document`, services.yml, at the line of the grant or of its target.
    """
    policies: list[Policy] = []
    faults, names = [], {}
    for aws_service, grants in service.policies[environment.name].items():
        try:
            policies.append(policy := renderer.policy(aws_service, grants))
            if names.setdefault(policy.name, aws_service) != aws_service:
                other = names[policy.name]
                faults.append(
                    f"policies/{aws_service}/service.j2:1: {other} is called {policy.name!r} too, and {service.name} uses both"
                )
        except FaultyPolicy as error:
            if document is None:
                faults += error.faults
                continue
            faults += error.others
            place = (service.name, aws_service, environment.name)
            faults += [refusal(document, place, index, grants[index], each) for index, each in error.refused]
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput(faults)
    text = renderer.template(service, environment, policies)
    return Output(text.encode(), origin, sum(policy.characters for policy in policies))


def refusal(document: Document, place: tuple[str, str, str], index: int, refused: Grant, error: RefusedGrant) -> str:
    """Return the fault of a grant that its partial refuses, at the line of what is wrong: the grant's, or its target's.

    `place` is the service, the AWS service and the environment whose policy has it, at `index`. One that follows from
    another grant stands nowhere but in its target, the key.
    """
    where = grammar.target_path(document.data, str(refused.target), place[-1]) if refused.target else ()
    if not refused.because and not error.of_target:
        where = grammar.grant_at(document.data, *place, index)
    because = f", for {refused.because}" if refused.because else ""
    return f"{document.name}:{document.line(where)}: {place[1]} {refused.level}{because}: {error.text}"


def quota_faults(table: Table, outputs: dict[str, Output]) -> Iterator[Fault]:
    """Yield what exceeds a quota of CloudFormation or IAM, with the figure."""
    of_role: dict[tuple[TaskRole, str], list[tuple[str, int]]] = {}
    for service in table.services.values():
        for environment in table.environments.values():
            rendered = outputs.get(path_of(service, environment))
            if rendered is None:
                continue
            size, most = len(rendered.content or b""), iam.MOST_BYTES
            if size > most:
                text = f"the template for {environment.name} has {size:,} bytes; CloudFormation allows {most:,}"
                yield ("services", service.name), text
            role = (service.task_role, environment.name)
            of_role.setdefault(role, []).append((service.name, rendered.characters))
    for (_, environment), parts in of_role.items():
        total, most = sum(characters for _, characters in parts), iam.MOST_CHARACTERS
        if total > most:
            names = " and ".join(name for name, _ in parts)
            text = f"the inline policies of the task role of {names} have {total:,} characters in {environment}; IAM allows {most:,} a role"
            yield ("services", parts[0][0]), text


def recorded_outputs(state: State) -> dict[str, Output]:
    """Return the files of out/ that are as the last render left them, if the same program did it."""
    found = {}
    for line in state.details.splitlines() if state.is_recorded_of() else ():
        was, origin, characters, path = line.split(" ", 3)
        if state.outputs.get(path) == was:
            found[path] = Output(None, origin, int(characters))
    return found


def record(state: State, outputs: dict[str, Output], found: Differences) -> None:
    """Record what was rendered, and from what."""
    digests = {path: digest(found.changed[path]) if path in found.changed else state.outputs[path] for path in outputs}
    details = "\n".join(f"{digests[path]} {made.origin} {made.characters} {path}" for path, made in outputs.items())
    state.write_record(digests, details)


def compare(state: State, outputs: dict[str, Output]) -> Differences:
    """Compare `outputs` with what is in out/."""
    changed = {
        path: made.content
        for path, made in sorted(outputs.items())
        if made.content is not None and state.outputs.get(path) != digest(made.content)
    }
    others = {path: is_ours(path) for path in state.outputs if path not in outputs}
    stale, strangers = ([path for path, ours in others.items() if ours is wanted] for wanted in (True, False))
    return Differences(changed, stale, strangers)


def is_ours(path: str) -> bool:
    """Tell whether the first line of a file says that render.py generated it. A link is nobody's."""
    if os.path.islink(path) or not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return iam.BANNER.encode() in file.readline()


def refuse_obstacles(paths: list[str]) -> None:
    """Raise BadInput if writing `paths` would follow a symbolic link out of out/, or meet a folder."""
    folders = {path[:end] for path in paths for end, character in enumerate(path) if character == "/"}
    for folder in sorted(folders):
        if os.path.islink(folder) or (os.path.exists(folder) and not os.path.isdir(folder)):
            raise BadInput([f"{folder}: must be a folder, and no symbolic link; move it away"])
    for path in paths:
        if os.path.isdir(path):
            raise BadInput([f"{path}: is a folder, where a file should be written; move it away"])


def tidy(folder: str) -> None:
    """Remove what a killed render left unfinished, and folders that are empty."""
    for entry in list(os.scandir(folder)) if os.path.isdir(folder) else []:
        if entry.is_dir(follow_symlinks=False):
            tidy(entry.path)
            if not os.listdir(entry.path):
                os.rmdir(entry.path)
        elif entry.name.endswith(".unfinished") and entry.name.startswith("."):
            os.unlink(entry.path)


def say(done: str, paths: list[str]) -> None:
    """Print one line for each path, or one for all if they are many."""
    if len(paths) > MOST_LINES:
        print(f"{done} {len(paths):,} files in out/")
    else:
        for path in paths:
            print(printable(f"{done} {path}"))


def report(strangers: list[str]) -> int:
    """Report files in out/ that are not ours, which are never touched; return the exit code."""
    for path in strangers:
        print(
            f"{printable(path)}: render.py did not write this; a file named as a template would deploy, so move it away",
            file=sys.stderr,
        )
    return 1 if strangers else 0


def difference(path: str, content: bytes) -> Iterator[str]:
    """Yield the unified diff from the file at `path`, if there is one, to `content` (empty: the file should go)."""
    import difflib  # only a stale out/ needs it

    old = ""
    if os.path.isfile(path):
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            old = file.read()
    names = ("a/" + path if old else "/dev/null", "b/" + path if content else "/dev/null")
    before, after = (re.findall(r"[^\n]*\n|[^\n]+", text) for text in (old, content.decode()))
    for line in difflib.unified_diff(before, after, *names):
        yield printable(line.removesuffix("\n")) + "\n"  # what lies there is anybody's text
