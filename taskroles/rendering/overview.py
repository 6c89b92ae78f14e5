"""out/ACCESS.md: which service may do what, as a table for each environment and as a graph that the forge draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from taskroles.faults import printable
from taskroles.rendering import iam
from taskroles.rendering.environments import path_of

if TYPE_CHECKING:
    from taskroles.rendering.partials import Renderer
    from taskroles.table.grammar import Table

PATH = "out/ACCESS.md"
TEMPLATE = "templates/access.md.j2"
BAR = 10
MARKS = {"read": "🟢", "write": "🟡", "full": "🔴"}
COLOURS = {"read": "#2da44e", "write": "#bf8700", "full": "#cf222e"}
MOST_EDGES_TOGETHER = 20
MOST_EDGES = 400  # Mermaid draws 500 unless its settings say otherwise, and a forge's do not


class Reach(NamedTuple):
    """A grant as the overview shows it: which service reaches what, at which level and with which kind of access."""

    service: str
    aws_service: str
    level: str
    target: str | None
    kind: str
    options: str


def overview(renderer: Renderer, table: Table, characters: dict[str, int]) -> str:
    """Return the text of out/ACCESS.md; `characters` holds those of the inline policies of each template, by path."""
    columns = {
        name: renderer.name(name)
        for service in table.services.values()
        for found in service.policies.values()
        for name in found
    }
    environments: dict[str, list[dict[str, Any]]] = {}
    for service in table.services.values():
        for environment, policies in service.policies.items():
            grants = [
                Reach(
                    service.name,
                    columns[aws_service],
                    grant.level,
                    grant.target,
                    renderer.kind(aws_service, grant),
                    ", ".join(
                        [f"{name} {value}" for name, value in grant.options]
                        + [f"for {reason}" for reason in [grant.because] if reason]
                    ),
                )
                for aws_service, grants in policies.items()
                for grant in grants
            ]
            cells = [
                ", ".join(cell(grant) for grant in grants if grant.aws_service == name) for name in columns.values()
            ]
            used = characters.get(path_of(service, table.environments[environment]), 0)
            cells += [f"{bar(used)} {used:,}"]
            environments.setdefault(environment, []).append({"name": service.name, "cells": cells, "grants": grants})
    return renderer.text(
        TEMPLATE,
        environments=environments,
        columns=list(columns.values()),
        graphs=graphs(
            {name: [grant for row in rows for grant in row["grants"]] for name, rows in environments.items()}
        ),
        marks=MARKS,
        colours=COLOURS,
        most_characters=f"{iam.MOST_CHARACTERS:,}",
        most_edges=MOST_EDGES,
        import_characters=iam.IMPORT_CHARACTERS,
    )


def cell(grant: Reach) -> str:
    """Return a grant as a cell of the table shows it, its options as HTML that no Markdown can leave or make a link."""
    target = f" `{grant.target}`" if grant.target else ""
    options = "".join(c if c.isalnum() or c in " ,/-" else f"&#{ord(c)};" for c in printable(grant.options))
    return f"{MARKS[grant.kind]} {grant.level}{target}" + (f" ({options})" if options else "")


def bar(characters: int) -> str:
    """Return how much of IAM's limit is used, as a bar."""
    filled = min(BAR, -(-characters * BAR // iam.MOST_CHARACTERS))
    return "▓" * filled + "░" * (BAR - filled)


def graphs(edges_of: dict[str, list[Reach]]) -> list[dict[str, Any]]:
    """Return the graphs to draw, each with its title and its edges from services to targets.

    Equal environments share a graph. One with many edges is drawn as a graph for each AWS service.
    """
    found = []
    for environment, edges in edges_of.items():
        same = [name for name, others in edges_of.items() if others == edges]
        if same[0] != environment:
            continue
        title = " and ".join(same)
        names = sorted({edge.aws_service for edge in edges})
        parts = (
            [(title, edges)]
            if len(edges) <= MOST_EDGES_TOGETHER
            else [(f"{title}: {name}", [edge for edge in edges if edge.aws_service == name]) for name in names]
        )
        found += [{"title": title, "edges": part} for title, part in parts]
    return found
