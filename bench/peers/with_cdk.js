// The same templates with the AWS CDK, from data.json into out-cdk/.
const fs = require("fs");
const cdk = require("aws-cdk-lib");
const iam = require("aws-cdk-lib/aws-iam");

const app = new cdk.App({ outdir: "out-cdk", analyticsReporting: false });
for (const it of JSON.parse(fs.readFileSync("data.json"))) {
  const stack = new cdk.Stack(app, `${it.service}-${it.environment}`, {
    synthesizer: new cdk.LegacyStackSynthesizer(),
  });
  new cdk.CfnParameter(stack, "VPCName", { default: "mynavi-sample-cloudformation-vpc" });
  new cdk.CfnParameter(stack, "EnvType", { allowedValues: [it.environment], default: it.environment });
  for (const policy of it.policies) {
    new iam.CfnPolicy(stack, policy.name, {
      policyName: cdk.Fn.sub(`Mynavi-Sample-${policy.name}-${it.service}-\${EnvType}`),
      policyDocument: { Version: "2012-10-17", Statement: policy.statements },
      roles: [cdk.Fn.importValue(cdk.Fn.sub(it.task_role))],
    });
  }
}
app.synth();
