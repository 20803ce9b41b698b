#!/usr/bin/env bash
# Decrypts what lies below a prefix, a shard a child of an array job.
#
#   aws-batch-submit.sh QUEUE SHARDS s3://BUCKET/recordings/ s3://BUCKET/decrypted/
#
# BUCKET, ACCOUNT and REGION in aws-batch-job-definition.json are to be replaced before. Every child lists
# the prefix (a request for 1,000 objects) and takes its part. The lines of the report are in its log.
set -euo pipefail
queue=$1 shards=$2 input=$3 output=$4
cd "$(dirname "$0")"

if ((shards < 2 || shards > 10000)); then
  echo "an array has 2 to 10000 children" >&2
  exit 2
fi
aws batch register-job-definition --cli-input-json file://aws-batch-job-definition.json
aws batch submit-job --job-name unreel --job-queue "$queue" --job-definition unreel \
  --array-properties "size=$shards" --parameters "input=$input,output=$output"
