"""transform.py: what the SAM transform makes of templates, as JSON in infra/template/testdata.

The reader of templates expands SAM resources itself, so that nobody needs Python to check a template. This output is the judge:
a test reads both and compares. With --check nothing is written, and the exit code is 1 when a file is not current.
It needs aws-sam-translator, which the SAM CLI brings along: .tools/sam/bin/python .ci/transform.py --check
"""

import json
import os
import pathlib
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "infra" / "template" / "testdata"

# Each file in testdata: the template, and the parameters it is made with; the rest have their defaults.
PROJECT = ROOT / "template.yaml"
VARIANTS = {
    "sam": (GOLDEN / "sam.template.yaml", {}),
    "default": (PROJECT, {}),
    "all": (PROJECT, {
        "AlarmEmail": "ops@example.com",
        "Architecture": "x86_64",
        "FunctionTimeout": "900",
        "GradualDeployment": "true",
        "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555",
    }),
    "topic": (PROJECT, {"AlarmTopicArn": "arn:aws:sns:us-east-1:000000000000:ops"}),
}


class Policies:
    """Managed policies that SAM would look up by name in IAM, as far as the templates name any."""

    def load(self):
        return {"AWSXrayWriteOnlyAccess": "arn:aws:iam::aws:policy/AWSXrayWriteOnlyAccess"}


def transformed(source, parameters):
    template = yaml_parse(source.read_text())
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            # sam package puts the address of the uploaded code here. The bucket name is made up.
            resource["Properties"]["CodeUri"] = "s3://code/" + name
    return json.dumps(transform(template, parameters, Policies()), indent=2, sort_keys=True, default=str) + "\n"


def main():
    check = "--check" in sys.argv[1:]
    stale = []
    for variant, (source, parameters) in VARIANTS.items():
        path = GOLDEN / (variant + ".transformed.json")
        text = transformed(source, parameters)
        if check:
            if not path.exists() or path.read_text() != text:
                stale.append(str(path.relative_to(ROOT)))
        else:
            path.write_text(text)
    if stale:
        print("not current, run python3 .ci/transform.py:", ", ".join(stale), file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
