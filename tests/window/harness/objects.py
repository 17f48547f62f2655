"""The independent S3 client: what boto3 says is in a bucket, whatever Wherry thinks.

Reads one JSON request on standard input and answers with JSON: bytes travel as base64, so that any
key and any content can.
"""

import base64
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

request = json.load(sys.stdin)
config = Config(
    s3={"addressing_style": "path"},
    retries={"max_attempts": 2},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
s3 = boto3.client(
    "s3",
    endpoint_url=request["endpoint"],
    aws_access_key_id=request["accessKey"],
    aws_secret_access_key=request["secretKey"],
    aws_session_token=request.get("sessionToken"),
    region_name="us-east-1",
    config=config,
)


def every_key(bucket):
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from page.get("Contents", [])


def buckets():
    return [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def read(bucket):
    """Every object with its content."""
    found = {}
    for row in every_key(bucket):
        body = s3.get_object(Bucket=bucket, Key=row["Key"])["Body"].read()
        found[row["Key"]] = base64.b64encode(body).decode()
    return found


def keys(bucket):
    return [row["Key"] for row in every_key(bucket)]


def make(bucket, objects=None):
    s3.create_bucket(Bucket=bucket)
    for key, content in (objects or {}).items():
        s3.put_object(Bucket=bucket, Key=key, Body=base64.b64decode(content))


def fill(bucket, count, size):
    for number in range(count):
        s3.put_object(Bucket=bucket, Key=f"{number:04}.bin", Body=bytes([number % 251]) * size)


def share(bucket):
    """Anybody may list and read it."""
    allow = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:ListBucket", "s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}))


def size(bucket, key):
    return s3.head_object(Bucket=bucket, Key=key)["ContentLength"]


def leave_unfinished(bucket, key, part):
    """Begins an upload, sends so many bytes, and goes away."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=1, Body=bytes(part))


def unfinished(bucket):
    """Multipart uploads that nobody completed."""
    return [upload["Key"] for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]


actions = {act.__name__: act for act in (buckets, read, keys, make, fill, share, size, leave_unfinished, unfinished)}
try:
    answer = {"answer": actions[request["action"]](**request["with"])}
except ClientError as error:
    answer = {"refused": error.response["Error"]["Code"]}
json.dump(answer, sys.stdout)
