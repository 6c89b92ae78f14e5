"""Our cfn-lint rules, one file a rule; cfn-lint loads them by this folder (.cfnlintrc.yaml)."""
