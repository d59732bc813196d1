"""Third-party clients against offload dev: the AWS CLI and boto3, with its own MD5 checks.

Run from the project's directory with a Python that has boto3 and awscli: python .ci/clients.py
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import boto3

checks = 0


def check(what, ok, seen=""):
    global checks
    if not ok:
        sys.exit(f"clients: FAILED: {what}: {seen}")
    checks += 1
    print(f"clients: ok: {what}")


def start(binary):
    """Starts offload dev and returns the process, its endpoint and the directory of the results."""
    process = subprocess.Popen([binary, "dev", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = ""
    endpoint = out = None
    for line in process.stdout:
        seen += line
        if found := re.search(r"AWS endpoint +(\S+)", line):
            endpoint = found[1]
        if found := re.search(r"results +(\S+)", line):
            out = found[1]
        if endpoint and out:
            return process, endpoint, out
    sys.exit(f"clients: offload dev ended:\n{seen}")


def wait(what, path):
    deadline = time.monotonic() + 180
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            sys.exit(f"clients: FAILED: {what}: no {path} after 180 s")
        time.sleep(0.05)
    check(what, True)


def envelope(task_id, name, data):
    return json.dumps({"specversion": "1.0", "id": task_id, "source": "clients", "type": name, "data": data})


def cli(endpoint, out):
    def aws(*args):
        command = [shutil.which("aws") or "aws", "--endpoint-url", endpoint, "--output", "json", *args]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    urls = json.loads(aws("sqs", "list-queues"))["QueueUrls"]
    check("aws sqs list-queues", any(u.endswith("/TaskQueue") for u in urls), urls)
    queue = next(u for u in urls if u.endswith("/TaskQueue"))
    aws("sqs", "send-message", "--queue-url", queue, "--message-body", envelope("cli-1", "export.write", {"rows": 10}))
    wait("aws sqs send-message runs a task", os.path.join(out, "exports", "cli-1.csv"))

    made = json.loads(aws("sqs", "create-queue", "--queue-name", "cli"))["QueueUrl"]
    aws("sqs", "send-message", "--queue-url", made, "--message-body", "hello")
    got = json.loads(aws("sqs", "receive-message", "--queue-url", made))["Messages"][0]
    check("aws sqs receive-message", got["Body"] == "hello", got)
    aws("sqs", "delete-message", "--queue-url", made, "--receipt-handle", got["ReceiptHandle"])

    mappings = json.loads(aws("lambda", "list-event-source-mappings"))["EventSourceMappings"]
    read = [m for m in mappings if m["EventSourceArn"].endswith(":TaskQueue")]
    check("aws lambda list-event-source-mappings", len(read) == 1 and read[0]["FunctionResponseTypes"] == ["ReportBatchItemFailures"], mappings)
    config = json.loads(aws("lambda", "get-function-configuration", "--function-name", read[0]["FunctionArn"]))
    check("aws lambda get-function-configuration", config["FunctionName"] == "WorkerFunction" and config["State"] == "Active", config)

    payload = envelope("cli-2", "analytics.record", {"name": "signup"})
    version = subprocess.run(["aws", "--version"], check=True, capture_output=True, text=True)
    raw = [] if "aws-cli/1" in version.stdout + version.stderr else ["--cli-binary-format", "raw-in-base64-out"]
    answer = json.loads(aws("lambda", "invoke", "--function-name", "WorkerFunction:live", "--invocation-type", "Event",
                            *raw, "--payload", payload, os.devnull))
    check("aws lambda invoke answers 202", answer["StatusCode"] == 202, answer)
    wait("aws lambda invoke runs a task", os.path.join(out, "analytics", "cli-2.json"))


def sdk(endpoint):
    sqs = boto3.client("sqs", endpoint_url=endpoint)
    url = sqs.create_queue(QueueName="boto", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    attributes = {"kind": {"DataType": "String", "StringValue": "täst"}, "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sqs.send_message(QueueUrl=url, MessageBody="één ünïcode \U0001f600 <&>", MessageAttributes=attributes)
    sent = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(i), "MessageBody": f"m{i}"} for i in range(9)])
    check("boto3 send_message_batch", len(sent["Successful"]) == 9, sent)
    bodies, receipts = set(), []
    while len(bodies) < 10:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2, MessageAttributeNames=["All"])
        for m in got.get("Messages", []):
            bodies.add(m["Body"])
            receipts.append(m["ReceiptHandle"])
    check("boto3 receive_message, every body and its MD5", bodies == {"één ünïcode \U0001f600 <&>"} | {f"m{i}" for i in range(9)}, bodies)
    for receipt in receipts:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
    left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    check("boto3 delete_message", left["ApproximateNumberOfMessages"] == left["ApproximateNumberOfMessagesNotVisible"] == "0", left)
    try:
        sqs.get_queue_url(QueueName="absent")
        check("boto3 QueueDoesNotExist", False)
    except sqs.exceptions.QueueDoesNotExist:
        check("boto3 QueueDoesNotExist", True)


def functions(endpoint):
    client = boto3.client("lambda", endpoint_url=endpoint)
    names = [f["FunctionName"] for page in client.get_paginator("list_functions").paginate(MaxItems=1) for f in page["Functions"]]
    check("boto3 list_functions, in pages", "WorkerFunction" in names, names)
    got = client.get_function_event_invoke_config(FunctionName="WorkerFunction", Qualifier="live")
    check("boto3 get_function_event_invoke_config", got["DestinationConfig"]["OnFailure"]["Destination"].endswith(":DeadLetterQueue"), got)
    try:
        client.get_policy(FunctionName="WorkerFunction")
        check("boto3 get_policy finds none", False)
    except client.exceptions.ResourceNotFoundException:
        check("boto3 get_policy finds none", True)


def main():
    os.environ.update(AWS_ACCESS_KEY_ID="any", AWS_SECRET_ACCESS_KEY="any", AWS_DEFAULT_REGION="us-east-1")
    with tempfile.TemporaryDirectory() as directory:
        os.environ["OUT"] = os.path.join(directory, "out")
        binary = os.path.join(directory, "offload")
        subprocess.run(["go", "build", "-o", binary, "./cmd/offload"], check=True)
        process, endpoint, out = start(binary)
        try:
            cli(endpoint, out)
            sdk(endpoint)
            functions(endpoint)
        finally:
            process.terminate()
            process.stdout.read()
            check("offload dev ends by SIGTERM with status 0", process.wait() == 0, process.returncode)
    print(f"clients: {checks} checks passed")


if __name__ == "__main__":
    main()
