#!/usr/bin/env bash
# Decrypts what a manifest names, a shard a process, and starts again what was killed.
#
#   gnu-parallel.sh MANIFEST OUTPUT KEY REPORTS [SHARDS]
#
# OUTPUT is a folder or a bucket's URL; KEY a key file or a folder of keys. REPORTS gets a file for each
# shard, the lines of its last attempt, and failed.jsonl. The exit code is 0, or 10 if there are any in
# that, or 75 if all of them may work later, or 1 if a shard did not get to its end: REPORTS/joblog says
# which one. Several machines: PARALLEL='--sshlogin a,b --workdir .', and all paths on a disk that they share.
set -euo pipefail
manifest=$1 output=$2 key=$3 reports=$4 shards=${5:-32}
mkdir -p "$reports"
rm -f "$reports"/shard-*.jsonl

# Which recordings failed is in the lines. Only a shard that did not get to its end (it was killed, the
# key is not there, the folder takes no files) is one that parallel has to start again.
shard='code=0
unreel batch {1} --shard {5}/{6} -j 1 -q --no-input --if-exists skip -d {2} -k {3} > {4}/shard-{5}.jsonl || code=$?
case $code in 10 | 75) exit 0 ;; *) exit "$code" ;; esac'
parallel --will-cite --retries 3 --joblog "$reports/joblog" "$shard" ::: "$manifest" ::: "$output" \
  ::: "$key" ::: "$reports" ::: $(seq 0 $((shards - 1))) ::: "$shards" </dev/null || exit 1

cat "$reports"/shard-*.jsonl | jq -c 'select(.ok | not)' >"$reports/failed.jsonl"
[ -s "$reports/failed.jsonl" ] || exit 0
jq -es 'all(.error.exit == 75)' "$reports/failed.jsonl" >/dev/null && exit 75
exit 10
