#!/usr/bin/env python3
"""A bucket server on loopback, and a look into it that is not unreel's: servers.py (s3|azure|gcs) TOOLS

TOOLS is the folder that .ci/run installs into. One line of JSON says where the server listens. Then each
line on standard input is a call, {"do": …}, and is answered by a line, {"ok": …} or {"error": …}. All of
it ends when standard input does.
"""

import base64
import ctypes
import datetime
import json
import logging
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
import zlib

KIND, TOOLS = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(TOOLS / "python"))
# What is asked for here goes to this machine.
for name in ("http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)
    os.environ.pop(name.upper(), None)
# Lists come in pages, of fewer than S3's 1000.
os.environ["MOTO_S3_DEFAULT_MAX_KEYS"] = "100"
NOW = datetime.datetime.now(datetime.timezone.utc)


def start(command):
    """A program that is killed when this one ends, however that is."""
    libc = ctypes.CDLL(None)
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: libc.prctl(1, signal.SIGKILL),
    )


def described(body, metadata, kind, etag):
    return {
        "body": base64.b64encode(body).decode(),
        "metadata": {name.lower(): value for name, value in (metadata or {}).items()},
        "type": kind,
        "etag": etag,
    }


class S3:
    """moto, which judges signatures and what their users may do."""

    def __init__(self):
        from moto.server import ThreadedMotoServer

        self.prepare()
        server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
        server.start()
        self.base = "http://%s:%d" % server.get_host_and_port()
        self.iam = self.client("iam", ("setup", "setup"), self.base)
        self.users = 0
        self.pair = self.user(["*"])
        # From now on every request is judged.
        kind = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(self.base + "/moto-api/reset-auth", b"0", kind)).close()
        self.iam = self.client("iam", self.pair, self.base)
        self.s3 = self.client("s3", self.pair, self.base)

    @staticmethod
    def prepare():
        os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/dev/null",
                          AWS_SHARED_CREDENTIALS_FILE="/dev/null")
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)

    @staticmethod
    def client(service, pair, base):
        import boto3
        import botocore.config

        config = botocore.config.Config(s3={"addressing_style": "path"}, proxies={})
        return boto3.client(service, endpoint_url=base, region_name="us-east-1", config=config,
                            aws_access_key_id=pair[0], aws_secret_access_key=pair[1])

    def hello(self):
        return {"base": self.base, "user": self.pair[0], "secret": self.pair[1]}

    def user(self, actions):
        """A new user who may do that. Returns the access key and its secret."""
        self.users += 1
        name = f"user-{self.users}"
        policy = {"Version": "2012-10-17",
                  "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
        self.iam.create_user(UserName=name)
        self.iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=json.dumps(policy))
        key = self.iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def create(self, bucket):
        self.s3.create_bucket(Bucket=bucket)

    def put(self, bucket, key, body, metadata, type):
        self.s3.put_object(Bucket=bucket, Key=key, Body=body, Metadata=metadata, ContentType=type)

    def get(self, bucket, key):
        try:
            object = self.s3.get_object(Bucket=bucket, Key=key)
        except self.s3.exceptions.NoSuchKey:
            return None
        return described(object["Body"].read(), object["Metadata"], object["ContentType"], object["ETag"])

    def delete(self, bucket, key):
        self.s3.delete_object(Bucket=bucket, Key=key)

    def keys(self, bucket):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        return [object["Key"] for page in pages for object in page.get("Contents", [])]

    def uploads(self, bucket):
        uploads = self.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return [upload["Key"] for upload in uploads]

    def sign(self, method, target, headers, pair=None):
        """Signs anew what was changed on the way, or what nobody signed; not its body."""
        from botocore.auth import S3SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        rest = {name: value for name, value in headers.items() if name not in ("authorization", "x-amz-date")}
        signed = {name: value for name, value in rest.items() if name == "host" or name.startswith("x-amz-")}
        path, _, query = target.partition("?")
        parameters = urllib.parse.parse_qsl(query, keep_blank_values=True)
        request = AWSRequest(method, f"https://{headers['host']}{path}", signed, params=parameters)
        request.context["payload_signing_enabled"] = False
        S3SigV4Auth(Credentials(*(pair or self.pair)), "s3", "us-east-1").add_auth(request)
        return {"target": target, "headers": rest | {name.lower(): value for name, value in request.headers.items()}}


class Azure:
    """Azurite, of one account."""

    ACCOUNT = "devstoreaccount1"
    KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

    def __init__(self):
        from azure.storage.blob import BlobServiceClient, ContentSettings

        self.settings = ContentSettings
        script = TOOLS / "azurite/node_modules/azurite/dist/src/blob/main.js"
        self.server = start(["node", script, "--inMemoryPersistence", "--blobPort", "0", "--silent",
                             "--disableTelemetry", "--disableProductStyleUrl", "--skipApiVersionCheck"])
        said = ""
        for line in self.server.stdout:
            said += line
            if "successfully listens on " in line:
                self.base = line.split("successfully listens on ")[1].strip()
                break
        else:
            raise RuntimeError(said)
        self.client = BlobServiceClient(f"{self.base}/{self.ACCOUNT}", credential=self.KEY)

    def hello(self):
        return {"base": self.base, "user": self.ACCOUNT, "secret": self.KEY}

    def sas(self, permission):
        """The query of a link that allows so much of the account: `rl`, `rwdlac`."""
        from azure.storage.blob import generate_account_sas

        expiry = NOW + datetime.timedelta(days=1)
        return generate_account_sas(self.ACCOUNT, self.KEY, "sco", permission, expiry,
                                    start=NOW - datetime.timedelta(hours=1), protocol="https,http")

    def create(self, bucket):
        self.client.create_container(bucket)

    def put(self, bucket, key, body, metadata, type):
        blob = self.client.get_blob_client(bucket, key)
        blob.upload_blob(body, overwrite=True, metadata=metadata, content_settings=self.settings(content_type=type))

    def get(self, bucket, key):
        from azure.core.exceptions import ResourceNotFoundError

        try:
            download = self.client.get_blob_client(bucket, key).download_blob()
        except ResourceNotFoundError:
            return None
        about = download.properties
        return described(download.readall(), about.metadata, about.content_settings.content_type, about.etag)

    def delete(self, bucket, key):
        self.client.get_blob_client(bucket, key).delete_blob()

    def keys(self, bucket):
        return list(self.client.get_container_client(bucket).list_blob_names())

    def uploads(self, bucket):
        """The blobs that have blocks of which nothing was made."""
        blobs = self.client.get_container_client(bucket).list_blobs(include=["uncommittedblobs"])
        blocks = lambda name: self.client.get_blob_client(bucket, name).get_block_list("uncommitted")[1]
        return [blob.name for blob in blobs if blocks(blob.name)]

    def sign(self, method, target, headers):
        """A link's signature does not cover headers."""
        rest = {name: value for name, value in headers.items() if name != "authorization"}
        path, _, query = target.partition("?")
        token = self.sas("rwdlac")
        ours = {pair.split("=")[0] for pair in token.split("&")}
        pairs = [pair for pair in query.split("&") if pair and pair.split("=")[0] not in ours]
        return {"target": path + "?" + "&".join([*pairs, token]), "headers": rest}


class Gcs(S3):
    """moto again, in Google's clothes: its XML API is S3's but for the names of headers. It asks nobody who
    he is. (No emulator that a package registry has speaks that API.)"""

    ERROR = (b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>PreconditionFailed</Code><Message>At least one "
             b"of the pre-conditions you specified did not hold.</Message><Details>x-goog-if-generation-match"
             b"</Details></Error>")

    def __init__(self):
        import werkzeug.serving
        from moto.moto_server.werkzeug_app import (DomainDispatcherApplication, MotoRequestHandler,
                                                   create_backend_app)

        self.prepare()
        self.pair = ("nobody", "nobody")
        self.moto = DomainDispatcherApplication(create_backend_app)

        class Handler(MotoRequestHandler):
            def make_environ(self):
                for name in [name for name in self.headers if name.lower().startswith("x-goog-meta-")]:
                    self.headers["x-amz-" + name[len("x-goog-"):]] = self.headers[name]
                    del self.headers[name]
                return super().make_environ()

        def serve(app):
            server = werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return f"http://127.0.0.1:{server.server_port}"

        self.base = serve(self.dressed)
        self.s3 = self.client("s3", self.pair, serve(self.moto))

    def dressed(self, environ, start):
        """The application."""
        # Google takes any quoting of a path, moto that of S3's clients.
        path = urllib.parse.quote(environ["PATH_INFO"].encode("latin-1"), safe="/~")
        query = "?" + environ["QUERY_STRING"] if environ["QUERY_STRING"] else ""
        environ["RAW_URI"] = environ["REQUEST_URI"] = path + query
        # It shows to nobody what somebody put there; who it is, is not judged.
        environ["HTTP_AUTHORIZATION"] = ("AWS4-HMAC-SHA256 Credential=nobody/20260101/us-east-1/s3/aws4_request, "
                                         "SignedHeaders=host, Signature=none")
        wanted = environ.pop("HTTP_X_GOOG_IF_GENERATION_MATCH", None)
        if wanted == "0":
            environ["HTTP_IF_NONE_MATCH"] = "*"
        elif wanted is not None:
            tag = self.tag(environ["PATH_INFO"])
            if tag is None or generation(tag) != wanted:
                start("412 Precondition Failed", [("Content-Type", "application/xml; charset=UTF-8")])
                return [self.ERROR]
            environ["HTTP_IF_MATCH"] = tag

        def answer(status, headers, *more):
            headers = [(name.lower().replace("x-amz-meta-", "x-goog-meta-"), value) for name, value in headers]
            tag = dict(headers).get("etag")
            ours = [(name, value) for name, value in headers if not name.startswith("x-amz-")]
            if tag:
                ours += [("x-goog-generation", generation(tag)), ("x-goog-metageneration", "1")]
            return start(status, ours, *more)

        return self.moto(environ, answer)

    def tag(self, path):
        bucket, _, key = path.lstrip("/").partition("/")
        try:
            return self.s3.head_object(Bucket=bucket, Key=key.encode("latin-1").decode())["ETag"]
        except self.s3.exceptions.ClientError:
            return None

    def hello(self):
        return {"base": self.base, "user": "", "secret": ""}

    def sign(self, method, target, headers):
        return {"target": target, "headers": headers}


def generation(tag):
    return str(zlib.crc32(tag.encode()) + 1)


def main():
    began, server = time.monotonic(), None
    try:
        server = {"s3": S3, "azure": Azure, "gcs": Gcs}[KIND]()
        hello = server.hello() | {"seconds": time.monotonic() - began}
    except Exception as error:  # It is for the test to judge.
        hello = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        call = json.loads(line)
        if "body" in call:
            call["body"] = base64.b64decode(call["body"])
        try:
            answer = {"ok": getattr(server, call.pop("do"))(**call)}
        except Exception as error:  # The same.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
    if hasattr(server, "server"):
        server.server.kill()
        server.server.wait()
    # Whatever other threads are at.
    os._exit(0)


main()
