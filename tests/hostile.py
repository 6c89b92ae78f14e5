"""An AWS in which everything that a stranger may call as he likes has a hostile name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from botocore import xform_name
from proxy import Answer

if TYPE_CHECKING:
    from proxy import Request

# Terminals obey the first three; then other ends of a line; text turned around; what has no width, and what has no ink.
UNSEEN = [*"\x1b\r\b", *"\x85\u2028\u2029\x0b\x0c", *"\u202e\u2066\u200f", *"\u200b\u2060\ufeff\u00ad\u034f"]
UNSEEN += [*"\u3164\u115f\uffa0\u2800\ufe0f\U000e0041\U000e0101\u00a0"]
HOSTILE = f"a\x1b[2K\n{''.join(UNSEEN)}z"
# The text of an XML answer holds no control characters; a policy document and a template write them as escapes.
IN_XML = "".join(c for c in HOSTILE if c not in "\x1b\b\x0b\x0c")
SQS = "sqs:GetQueueAttributes"

SERVICE, STACK = "backend", "mynavi-sample-ecs-taskrole-backend-staging"
WHERE = "arn:aws:cloudformation:ap-northeast-1:000000000000"
STACK_ID, CHANGE_SET = f"{WHERE}:stack/{STACK}/1", f"{WHERE}:changeSet/awscli-cloudformation-package-deploy-1/1"
ROLE = "mynavi-sample-cloudformation-vpc-BackendEcsTaskRole-Staging"


def spelled(value: Any) -> str:
    """Return a value as YAML, which knows no surrogate pairs."""
    text = json.dumps(value)
    for character in UNSEEN:
        if ord(character) > ord("\uffff"):
            text = text.replace(json.dumps(character)[1:-1], f"\\U{ord(character):08x}")
    return text


def xml(value: Any) -> str:
    """Return a value as the query protocol writes it: a list as its members, a map as its elements."""
    if isinstance(value, list):
        return "".join(f"<member>{xml(item)}</member>" for item in value)
    if isinstance(value, dict):
        return "".join(f"<{name}>{xml(item)}</{name}>" for name, item in value.items())
    return escape(str(value)).replace("\r", "&#13;")


class Hostile:
    """Answers every request, as `proxy.play("*", Hostile(...))` takes it.

    One that is `sober` has states and exports that a deploy accepts: it gets as far as its events.
    """

    def __init__(self, *, sober: bool) -> None:
        self.sober, self.template, self.token = sober, "", ""
        self.parameters: list[dict[str, str]] = []
        self.parameters: list[dict[str, str]] = []

    def __call__(self, request: Request, _: object) -> Answer:
        """Answer a request."""
        given, action = request.parameters, request.action
        self.template = given.get("TemplateBody", self.template)
        self.token = given.get("ClientRequestToken", self.token)
        known = getattr(self, f"_{xform_name(action)}", None)
        if known is None:
            error = {"Error": {"Code": IN_XML if action.startswith("List") else "ValidationError", "Message": IN_XML}}
            return Answer(400, f"<ErrorResponse>{xml(error)}</ErrorResponse>".encode())
        result = xml({f"{action}Result": known(given)})
        return Answer(200, f"<{action}Response>{result}</{action}Response>".encode())

    def _get_caller_identity(self, _: Any) -> Any:
        arn = "arn:aws:iam::000000000000:user/test" if self.sober else f"arn:aws:iam::1:user/{IN_XML}"
        return {"Arn": arn, "Account": "000000000000"}

    def _describe_stacks(self, _: Any) -> Any:
        sober = "UPDATE_ROLLBACK_COMPLETE" if self.token else "UPDATE_COMPLETE"
        tags = {"service": SERVICE, "environment": "Staging", "commit": IN_XML, "template": IN_XML}
        stack = {"StackId": STACK_ID, "StackName": STACK, "CreationTime": "2026-11-24T00:00:00Z"}
        stack |= {"StackStatus": sober if self.sober else f"{IN_XML}_FAILED", "StackStatusReason": IN_XML}
        stack |= {"Parameters": [{"ParameterKey": "VPCName", "ParameterValue": IN_XML}]}
        stack |= {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
        gone = {"service": "gone", "environment": "Staging"}
        stray = {**stack, "StackName": STACK.replace(SERVICE, "gone"), "StackId": STACK_ID.replace(SERVICE, "gone")}
        stray["Tags"] = [{"Key": key, "Value": value} for key, value in gone.items()]
        return {"Stacks": [stack, stray]}

    def _list_exports(self, _: Any) -> Any:
        vpc = "mynavi-sample-cloudformation-vpc"
        names = [f"{vpc}-DynamoDBStagingSampleTable", f"{vpc}-RDS-Staging", "MynaviSampleSQS-Staging"]
        exports = [{"Name": name, "Value": "a-name", "ExportingStackId": STACK_ID} for name in names]
        exports += [{"Name": ROLE, "Value": "a-role" if self.sober else IN_XML, "ExportingStackId": STACK_ID}]
        return {"Exports": exports if self.sober else exports[2:]}

    def _list_imports(self, _: Any) -> Any:
        return {"Imports": [STACK] if self.sober else [STACK, IN_XML]}

    def _get_template(self, given: Any) -> Any:
        document = {"Statement": [{"Effect": "Allow", "Action": [HOSTILE, SQS], "Resource": HOSTILE}]}
        policy = {"PolicyName": HOSTILE, "PolicyDocument": document, "Roles": [HOSTILE]}
        resources = {"A": {"Type": "AWS::IAM::Policy", "Properties": policy}}
        resources |= {HOSTILE: {"Type": HOSTILE, "Properties": {}}}
        deployed = spelled({"Resources": resources})
        return {"TemplateBody": self.template if "ChangeSetName" in given else deployed}

    def _list_role_policies(self, _: Any) -> Any:
        return {"PolicyNames": [IN_XML], "IsTruncated": "false"}

    def _get_role_policy(self, given: Any) -> Any:
        document = {"Statement": [{"Effect": "Allow", "Action": [HOSTILE, SQS], "Resource": "*"}]}
        return {"RoleName": given["RoleName"], "PolicyName": IN_XML, "PolicyDocument": quote(json.dumps(document))}

    def _get_role(self, given: Any) -> Any:
        statement = {"Effect": "Allow", "Principal": {"AWS": HOSTILE}, "Action": "sts:AssumeRole"}
        role = {"RoleName": given["RoleName"], "CreateDate": "2026-11-24T00:00:00Z"}
        role["AssumeRolePolicyDocument"] = quote(json.dumps({"Statement": statement}))
        return {"Role": {**role, "PermissionsBoundary": {"PermissionsBoundaryArn": IN_XML}}}

    def _list_attached_role_policies(self, _: Any) -> Any:
        return {"AttachedPolicies": [{"PolicyName": IN_XML, "PolicyArn": IN_XML}], "IsTruncated": "false"}

    def _list_stack_resources(self, _: Any) -> Any:
        found = {"LogicalResourceId": IN_XML, "PhysicalResourceId": IN_XML, "ResourceType": IN_XML}
        return {"StackResourceSummaries": [{**found, "LastUpdatedTimestamp": "2026-11-24T00:00:00Z"}]}

    def _describe_stack_resources(self, _: Any) -> Any:
        return {"StackResources": []}

    def _create_change_set(self, given: Any) -> Any:
        keys = [name for name in given if name.startswith("Parameters.") and name.endswith(".ParameterKey")]
        values = {given[name]: given[name.removesuffix("Key") + "Value"] for name in keys}
        self.parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
        return {"Id": CHANGE_SET, "StackId": STACK_ID}

    def _describe_change_set(self, _: Any) -> Any:
        detail = {"Target": {"Attribute": "Properties", "Name": IN_XML}}
        change = {"Action": "Modify", "LogicalResourceId": IN_XML, "Replacement": IN_XML, "Details": [detail]}
        changes = [{"Type": "Resource", "ResourceChange": {**change, "ResourceType": IN_XML}}]
        held = {"ChangeSetId": CHANGE_SET, "StackId": STACK_ID, "Status": "CREATE_COMPLETE", "StatusReason": IN_XML}
        return {**held, "ExecutionStatus": "AVAILABLE", "Changes": changes, "Parameters": self.parameters}

    def _list_change_sets(self, _: Any) -> Any:
        return {"Summaries": []}

    def _execute_change_set(self, _: Any) -> Any:
        return {}

    def _describe_stack_events(self, _: Any) -> Any:
        event = {"EventId": "1", "StackId": STACK_ID, "StackName": STACK, "ClientRequestToken": self.token}
        event |= {"LogicalResourceId": IN_XML, "PhysicalResourceId": IN_XML, "ResourceType": IN_XML}
        event |= {
            "ResourceStatus": "UPDATE_FAILED",
            "ResourceStatusReason": IN_XML,
            "Timestamp": "2026-11-24T00:00:00Z",
        }
        whole = {
            "PhysicalResourceId": STACK_ID,
            "ResourceType": "AWS::CloudFormation::Stack",
            "LogicalResourceId": STACK,
        }
        begun = {**event, **whole, "EventId": "0", "ResourceStatus": "UPDATE_IN_PROGRESS"}
        ended = {**event, **whole, "EventId": "2", "ResourceStatus": "UPDATE_ROLLBACK_COMPLETE"}
        return {"StackEvents": [ended, event, begun] if self.token else []}
