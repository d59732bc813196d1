#!/usr/bin/env python3
"""teardown.py STACK SAM: delete a stack and what sam deploy uploaded for it, and tell what is retained.

Runs in the environment of the SAM CLI, which brings boto3.
"""
import subprocess
import sys

import boto3
from botocore.exceptions import ClientError


def retained(cloudformation, stack):
    """List the type and name of each resource that the template says to keep."""
    template = cloudformation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    if isinstance(template, str):  # boto3 gives YAML as text; what SAM makes is JSON, which it gives decoded
        sys.exit(f"teardown: the template of stack {stack} is not JSON: delete it with: aws cloudformation delete-stack --stack-name {stack}")
    # SAM retains the versions of functions, but they go with their function.
    keep = {name for name, r in template["Resources"].items()
            if r.get("DeletionPolicy", "").startswith("Retain") and r["Type"] != "AWS::Lambda::Version"}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
    resources = [r for page in pages for r in page["StackResourceSummaries"]]
    return [(r["ResourceType"], r["PhysicalResourceId"]) for r in resources if r["LogicalResourceId"] in keep and "PhysicalResourceId" in r]


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    stack, sam = sys.argv[1:]
    cloudformation = boto3.client("cloudformation")
    try:
        kept = retained(cloudformation, stack)
    except ClientError as e:
        sys.exit(f"teardown: stack {stack}: {e}")
    region = cloudformation.meta.region_name
    if subprocess.run([sam, "delete", "--stack-name", stack, "--region", region, "--no-prompts"]).returncode:
        sys.exit(f"teardown: stack {stack} is not deleted: SAM says why above; the events of the stack in CloudFormation tell more")
    print(f"\nThe stack {stack} is gone. These stay, with what is in them, until you delete them:")
    for kind, name in sorted(kept):
        print(f"  {kind}  {name}")


main()
