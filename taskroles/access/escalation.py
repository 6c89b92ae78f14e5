"""The actions by which a role can gain further rights: the one list, for the review's mark and for the lint.

After "AWS IAM Privilege Escalation Methods" (Rhino Security Labs), "AWS IAM Privilege Escalation Techniques"
(hackingthe.cloud), "AWS - Privilege Escalation" (HackTricks Cloud) and the paths of pathfinding.cloud (Datadog), as of
November 2026. An action that only starts what
others have written, as lambda:InvokeFunction, is none.
"""

from __future__ import annotations

WAYS = {
    "passes a role": "iam:PassRole",
    "changes policies or trust": """
        iam:AddUserToGroup iam:AttachGroupPolicy iam:AttachRolePolicy iam:AttachUserPolicy iam:CreatePolicyVersion
        iam:DeleteRolePermissionsBoundary iam:DeleteUserPermissionsBoundary iam:PutGroupPolicy iam:PutRolePolicy
        iam:PutRolePermissionsBoundary iam:PutUserPermissionsBoundary iam:PutUserPolicy iam:SetDefaultPolicyVersion
        iam:UpdateAssumeRolePolicy iam:DeleteRolePolicy iam:DetachRolePolicy iam:CreateServiceSpecificCredential
        cognito-identity:SetIdentityPoolRoles lambda:AddPermission kms:CreateGrant kms:PutKeyPolicy
        sso:AttachManagedPolicyToPermissionSet sso:PutInlinePolicyToPermissionSet sso:CreateAccountAssignment
        sso:AttachCustomerManagedPolicyReferenceToPermissionSet organizations:DetachPolicy organizations:DeletePolicy
        organizations:LeaveOrganization identitystore:CreateGroupMembership sso:DeleteInlinePolicyFromPermissionSet
        sso:DeletePermissionsBoundaryFromPermissionSet sso:DetachManagedPolicyFromPermissionSet
        sso:DetachCustomerManagedPolicyReferenceFromPermissionSet
        """,
    "takes credentials of others": """
        iam:CreateAccessKey iam:CreateLoginProfile iam:UpdateLoginProfile iam:UpdateAccessKey iam:DeactivateMFADevice
        iam:EnableMFADevice iam:ResyncMFADevice iam:ResetServiceSpecificCredential iam:UploadSSHPublicKey sts:AssumeRole sts:AssumeRoleWithSAML sts:AssumeRoleWithWebIdentity sts:AssumeRoot
        iam:CreateSAMLProvider iam:UpdateSAMLProvider iam:CreateOpenIDConnectProvider
        iam:UpdateOpenIDConnectProviderThumbprint iam:AddClientIDToOpenIDConnectProvider
        cognito-identity:GetCredentialsForIdentity redshift:GetClusterCredentials
        ec2-instance-connect:SendSSHPublicKey ec2-instance-connect:SendSerialConsoleSSHPublicKey
        lightsail:DownloadDefaultKeyPair lightsail:GetInstanceAccessDetails lightsail:CreateBucketAccessKey
        lightsail:GetRelationalDatabaseMasterUserPassword rolesanywhere:CreateTrustAnchor
        """,
    "runs code under another role": """
        amplify:StartJob amplify:StartDeployment apprunner:CreateService apprunner:UpdateService batch:SubmitJob
        batch:RegisterJobDefinition bedrock-agentcore:CreateAgentRuntime bedrock-agentcore:CreateBrowser
        bedrock-agentcore:CreateCodeInterpreter bedrock-agentcore:InvokeCodeInterpreter
        bedrock-agentcore:InvokeAgentRuntimeCommand bedrock-agentcore:UpdateAgentRuntime braket:CreateJob cloudformation:CreateChangeSet
        cloudformation:CreateStack cloudformation:CreateStackInstances cloudformation:CreateStackSet
        cloudformation:ExecuteChangeSet cloudformation:UpdateStack cloudformation:UpdateStackSet codebuild:StartBuild
        codebuild:StartBuildBatch codebuild:CreateProject codebuild:UpdateProject codedeploy:CreateDeployment
        codepipeline:CreatePipeline codepipeline:UpdatePipeline codepipeline:StartPipelineExecution
        codestar:CreateProject codestar:AssociateTeamMember datapipeline:CreatePipeline
        datapipeline:PutPipelineDefinition ec2:AssociateIamInstanceProfile ec2:CreateLaunchTemplateVersion
        ec2:ModifyInstanceAttribute ec2:ReplaceIamInstanceProfileAssociation ec2:RequestSpotFleet
        ec2:RequestSpotInstances ec2:RunInstances ecs:CreateService ecs:ExecuteCommand ecs:RegisterContainerInstance
        ecs:RegisterTaskDefinition ecs:RunTask ecs:StartTask ecs:UpdateService elasticmapreduce:AddJobFlowSteps
        elasticmapreduce:RunJobFlow emr-serverless:StartJobRun gamelift:CreateFleet glue:CreateDevEndpoint
        glue:CreateJob glue:CreateSession glue:RunStatement glue:StartJobRun glue:UpdateDevEndpoint glue:UpdateJob
        imagebuilder:CreateImage lambda:CreateEventSourceMapping lambda:CreateFunction lambda:UpdateFunctionCode
        lambda:UpdateFunctionConfiguration airflow:CreateEnvironment airflow:CreateWebLoginToken
        sagemaker:CreateNotebookInstance sagemaker:CreateNotebookInstanceLifecycleConfig
        sagemaker:CreatePresignedNotebookInstanceUrl sagemaker:CreatePresignedDomainUrl sagemaker:CreateProcessingJob
        sagemaker:CreateTrainingJob sagemaker:UpdateNotebookInstance
        sagemaker:UpdateNotebookInstanceLifecycleConfig scheduler:CreateSchedule scheduler:UpdateSchedule
        ssm:ResumeSession ssm:SendCommand ssm:StartAutomationExecution ssm:StartSession ssm:CreateAssociation
        ssm:UpdateAssociation states:CreateStateMachine states:UpdateStateMachine states:TestState
        rds:AddRoleToDBInstance rds:AddRoleToDBCluster events:PutTargets
        """,
}
ESCALATIONS = {action.lower(): way for way, actions in WAYS.items() for action in actions.split()}


def way_of(action: str) -> str:
    """Return how an action can gain further rights, "" if it is no known way."""
    return ESCALATIONS.get(action.lower(), "")
