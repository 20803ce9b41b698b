#!/usr/bin/env python3
"""Decrypts what a manifest names, a partition a process, on the executors of Spark.

    spark-submit spark.py MANIFEST OUTPUT KEY REPORT [PARTITIONS]

Every executor needs unreel on its PATH, the key, and OUTPUT: a folder on a disk that all share, or a
bucket's URL. REPORT, a folder that is not there yet, gets the lines of the report. Their `line` counts
in the partition: give the manifest's lines a `ref`, or go by `input`.

0: all there. 10: some recordings failed. 75: the same, and all of them may work later. 1: the job failed.
"""

import json
import os
import shlex
import sys

from pyspark.sql import SparkSession

# What failed is in the lines: 10 and 75 are no reason to do the partition again, which Spark would do at
# once, nor to give up the job when it was done four times. Every other code is: it was killed, the key is
# not there, the folder takes no files.
SHARD = """
code=0
unreel batch -j 1 -q --no-input --if-exists skip -d "$1" -k "$2" || code=$?
case $code in 10 | 75) exit 0 ;; *) exit "$code" ;; esac
"""

# pipe() starts with an empty environment. These are taken from here. Secrets are not: they would be part
# of the job. They belong into a folder on every executor, that of CREDENTIALS_DIRECTORY, or to its role.
KEPT = (
    "PATH", "HOME", "TMPDIR", "CREDENTIALS_DIRECTORY", "AWS_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AZURE_STORAGE_ACCOUNT", "AZURE_CLIENT_ID", "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE", "GOOGLE_APPLICATION_CREDENTIALS",
)


def main(manifest, output, key, report, partitions="32"):
    spark = SparkSession.builder.appName("unreel").getOrCreate()
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    command = shlex.join(["bash", "-c", SHARD, "unreel", output, key])
    lines = spark.sparkContext.textFile(manifest).repartition(int(partitions))
    # checkCode: without it, Spark takes what a killed process left for all there was.
    lines.pipe(command, env=environment, checkCode=True).saveAsTextFile(report)

    # Read back, not done again.
    done = spark.sparkContext.textFile(report).map(json.loads)
    codes = done.filter(lambda line: not line["ok"]).map(lambda line: line["error"]["exit"]).countByValue()
    print(f"{done.count()} lines, {sum(codes.values())} failed, by exit code: {dict(codes)}", file=sys.stderr)
    spark.stop()
    return 0 if not codes else 75 if set(codes) == {75} else 10


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
