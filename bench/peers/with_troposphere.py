"""The same templates with troposphere and awacs, from data.json into out-troposphere/."""

import json
import os

from awacs.aws import Action, Condition, PolicyDocument, Statement, StringLike
from troposphere import ImportValue, Parameter, Sub, Template
from troposphere.iam import PolicyType

with open("data.json") as file:
    services = json.load(file)
os.makedirs("out-troposphere", exist_ok=True)
for it in services:
    template = Template()
    template.add_parameter(Parameter("VPCName", Type="String", Default="mynavi-sample-cloudformation-vpc"))
    env = it["environment"]
    template.add_parameter(Parameter("EnvType", Type="String", AllowedValues=[env], Default=env))
    for policy in it["policies"]:
        statements = []
        for statement in policy["statements"]:
            made = {**statement, "Action": [Action(*action.split(":")) for action in statement["Action"]]}
            if "Condition" in made:
                made["Condition"] = Condition(StringLike(made["Condition"]["StringLike"]))
            statements.append(Statement(**made))
        template.add_resource(
            PolicyType(
                policy["name"],
                PolicyName=Sub(f"Mynavi-Sample-{policy['name']}-{it['service']}-${{EnvType}}"),
                PolicyDocument=PolicyDocument(Version="2012-10-17", Statement=statements),
                Roles=[ImportValue(Sub(it["task_role"]))],
            )
        )
    with open(f"out-troposphere/{it['service']}-{env}.json", "w") as file:
        file.write(template.to_json())
