"""Whether whoever the credentials lead to is the principal that an environment names."""

from __future__ import annotations

import pytest

from taskroles.deploying import aws

SESSION = "arn:aws:sts::111111111111:assumed-role/Deployer/alice@example.com"


@pytest.mark.parametrize(
    ("caller", "wanted", "is_it"),
    [
        (SESSION, "arn:aws:iam::111111111111:role/Deployer", True),
        (SESSION, "arn:aws:iam::111111111111:role/some/path/Deployer", True),
        (SESSION, SESSION, True),
        (SESSION, "arn:aws:iam::111111111111:role/Deploy", False),
        (SESSION, "arn:aws:iam::111111111111:role/Deployer/Other", False),
        (SESSION, "arn:aws:iam::111111111111:user/Deployer", False),
        (SESSION, "arn:aws:iam::222222222222:role/Deployer", False),
        (SESSION, "arn:aws-cn:iam::111111111111:role/Deployer", False),
        (SESSION, "", False),
        (SESSION.replace("arn:aws:", "arn:aws-us-gov:"), "arn:aws-us-gov:iam::111111111111:role/Deployer", True),
        (
            "arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Deploy_0123456789abcdef/alice",
            "arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Deploy_0123456789abcdef",
            True,
        ),
        ("arn:aws:iam::111111111111:user/ops/alice", "arn:aws:iam::111111111111:user/ops/alice", True),
        ("arn:aws:iam::111111111111:user/ops/alice", "arn:aws:iam::111111111111:user/alice", False),
        ("arn:aws:iam::111111111111:user/alice", "arn:aws:iam::111111111111:role/alice", False),
        ("arn:aws:iam::111111111111:root", "arn:aws:iam::111111111111:root", True),
        ("arn:aws:iam::111111111111:root", "arn:aws:iam::111111111111:role/root", False),
        ("arn:aws:sts::111111111111:federated-user/alice", "arn:aws:sts::111111111111:federated-user/alice", True),
        ("arn:aws:sts::111111111111:federated-user/alice", "arn:aws:iam::111111111111:user/alice", False),
        ("", "", True),
        ("nonsense", "arn:aws:iam::111111111111:role/Deployer", False),
    ],
)
def test_a_session_is_of_the_role_whose_name_it_has_and_all_else_is_called_as_it_is(caller, wanted, is_it) -> None:
    assert aws.is_principal(caller, wanted) == is_it
