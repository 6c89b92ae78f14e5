"""What may an ECS service touch, and who agreed to that: one table, rendered to CloudFormation, reviewed and deployed."""
