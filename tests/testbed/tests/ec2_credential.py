"""Makes an EC2 credential in Keystone, uses it on the gateway, deletes it, tries it again.

usage: ec2_credential.py KEYSTONE_URL PROJECT_ID S3_ENDPOINT BUCKET [--then-run COMMAND...]
"""

import subprocess
import sys

import boto3
import requests
from botocore.client import Config
from botocore.exceptions import ClientError

url, project, endpoint, bucket = sys.argv[1:5]
command = sys.argv[6:]
user = {"name": "alice", "password": "alicepw", "domain": {"id": "default"}}
auth = {"identity": {"methods": ["password"], "password": {"user": user}}, "scope": {"project": {"id": project}}}
answer = requests.post(f"{url}/auth/tokens", json={"auth": auth}, timeout=60)
answer.raise_for_status()
token = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
credentials = f"{url}/users/{answer.json()['token']['user']['id']}/credentials/OS-EC2"
answer = requests.post(credentials, json={"tenant_id": project}, headers=token, timeout=60)
answer.raise_for_status()
credential = answer.json()["credential"]
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    region_name="us-east-1",
    aws_access_key_id=credential["access"],
    aws_secret_access_key=credential["secret"],
    config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
)


def attempt() -> str:
    try:
        s3.get_object(Bucket=bucket, Key="hello")
        return "still honoured"
    except ClientError as error:
        return error.response["Error"]["Code"]


s3.create_bucket(Bucket=bucket)
s3.put_object(Bucket=bucket, Key="hello", Body=b"hello")
said = [f"made: {s3.get_object(Bucket=bucket, Key='hello')['Body'].read()}"]
requests.delete(f"{credentials}/{credential['access']}", headers=token, timeout=60).raise_for_status()
said.append(f"deleted: {attempt()}")
if command:
    subprocess.run(command, check=True, stdout=sys.stderr)
    said.append(f"restarted: {attempt()}")
print("; ".join(said))
