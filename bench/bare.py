"""The least that writes the same files: PyYAML, Jinja2 as it comes, a loop. Checks, compares and remembers nothing.

What ACCESS.md counts (the characters in IAM, the kinds of access) is given to it, in access.json.
"""

import json
import os

import jinja2
import yaml
from markupsafe import Markup


def quoted(value: object) -> object:
    """Return text in double quotes, and what a template wrote as it is."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else Markup(f'"{value}"')


with open("services.yml") as file:
    data = yaml.load(file, yaml.CBaseLoader)
environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader("."),
    autoescape=True,
    finalize=quoted,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
environment.filters["plain"] = Markup
for name, service in data["services"].items():
    for env in data["environments"]:
        policies = []
        for folder, policy in service["policies"].items():
            by_env = isinstance(policy, dict) and "default" in policy
            grant = policy.get(env, policy["default"]) if by_env else policy
            level, target = (grant, None) if isinstance(grant, str) else next(iter(grant.items()))
            partial = f"policies/{folder}/{level}.yml.j2"
            found_by = {"import": None, "name": None, "arn": None, **data["targets"][target]} if target else {}
            text = environment.get_template(partial).render(target=found_by).strip("\n")
            policies.append(
                {
                    "name": environment.get_template(f"policies/{folder}/service.j2").module.name,
                    "grants": [{"level": level, "target": target, "partial": partial}],
                    "statements": Markup(text.replace("\n", "\n          ")),
                }
            )
        template = environment.get_template("templates/taskrole.yml.j2")
        text = template.render(service=name, environment=env, task_role=service["task_role"], policies=policies)
        os.makedirs(f"out/{env}", exist_ok=True)
        with open(f"out/{env}/sample-ecs-taskrole-{name}-cfn.yml", "w") as file:
            file.write(text)
with open("access.json") as file:
    access = json.load(file)
with open("out/ACCESS.md", "w") as file:
    file.write(environment.get_template("templates/access.md.j2").render(access))
