"""out/ACCESS.md: which service may do what, as a table for each environment and as a graph that the forge draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import checks

if TYPE_CHECKING:
    from services import Service
    from template import Renderer

PATH = "out/ACCESS.md"
TEMPLATE = "templates/access.md.j2"
BAR = 10
MARKS = {"read": "🟢", "write": "🟡", "full": "🔴"}
COLOURS = {"read": "#2da44e", "write": "#bf8700", "full": "#cf222e"}
MOST_EDGES_TOGETHER = 20
MOST_EDGES = 400  # Mermaid draws 500 unless its settings say otherwise, and a forge's do not


def overview(renderer: Renderer, services: list[Service], characters: dict[tuple[str, str], int]) -> str:
    """Return the text of out/ACCESS.md; `characters` holds those of the inline policies by service and environment."""
    columns: dict[str, str] = {}
    environments: dict[str, list[dict[str, Any]]] = {}
    for service in services:
        for environment, policies in service.policies.items():
            found = {}
            for aws_service, grants in policies.items():
                name = columns.setdefault(aws_service, renderer.name(aws_service))
                found[name] = [
                    {"level": grant.level, "target": grant.target, "kind": renderer.kind(aws_service, grant)}
                    for grant in grants
                ]
            used = characters.get((service.name, environment), 0)
            row = {"name": service.name, "grants": found, "characters": used, "bar": bar(used)}
            environments.setdefault(environment, []).append(row)
    return renderer.text(
        TEMPLATE,
        environments=[{"name": name, "services": rows} for name, rows in environments.items()],
        columns=list(columns.values()),
        graphs=graphs(environments),
        marks=MARKS,
        colours=COLOURS,
        most_characters=checks.MOST_CHARACTERS,
        most_edges=MOST_EDGES,
    )


def bar(characters: int) -> str:
    """Return how much of IAM's limit is used, as a bar."""
    filled = min(BAR, -(-characters * BAR // checks.MOST_CHARACTERS))
    return "▓" * filled + "░" * (BAR - filled)


def graphs(environments: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the graphs to draw, each with its title and its edges from services to targets.

    Equal environments share a graph. One with many edges is drawn as a graph for each AWS service.
    """
    edges_of: dict[str, list[dict[str, Any]]] = {}
    for environment, rows in environments.items():
        edges_of[environment] = [
            {**grant, "service": row["name"], "aws_service": name}
            for row in rows
            for name, grants in row["grants"].items()
            for grant in grants
        ]
    found = []
    for environment, edges in edges_of.items():
        same = [name for name, others in edges_of.items() if others == edges]
        if same[0] != environment:
            continue
        title = " and ".join(same)
        names = sorted({edge["aws_service"] for edge in edges})
        parts = (
            [(title, edges)]
            if len(edges) <= MOST_EDGES_TOGETHER
            else [(f"{title}: {name}", [edge for edge in edges if edge["aws_service"] == name]) for name in names]
        )
        found += [{"title": title, "edges": part} for title, part in parts]
    return found
