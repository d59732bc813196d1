#!/usr/bin/env python3
"""results.py BUCKET NAME KEY: wait until the event NAME, which a task analytics.record has stored, is at the key.

Runs in the environment of the SAM CLI, which brings boto3.
"""
import json
import sys
import time

import boto3
from botocore.config import Config

PATIENCE_SECONDS = 180


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    bucket, name, key = sys.argv[1:]
    s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            event = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
            break
        except s3.exceptions.NoSuchKey:
            if time.monotonic() > deadline:
                sys.exit(f"results: after {PATIENCE_SECONDS} s there is no {key} in bucket {bucket}: the task had no effect")
            time.sleep(0.2)
    if event["name"] != name:
        sys.exit(f"results: {key} holds the event {event}, want that of {name}")
    print(f"results: {key} holds the event {name}")


main()
