#!/usr/bin/env bash
# Decrypts what a manifest names, a shard a task.
#
#   sbatch slurm.sh MANIFEST OUTPUT KEY
#
# All paths on a disk that the nodes share; OUTPUT may be a bucket's URL. The lines of the report are in
# unreel-JOB_TASK.jsonl. A task that ends with 10 is FAILED, and its lines say what failed.
#SBATCH --job-name=unreel
#SBATCH --array=0-31
#SBATCH --cpus-per-task=1
#SBATCH --mem=256M
#SBATCH --requeue
#SBATCH --output=unreel-%A_%a.jsonl
#SBATCH --error=unreel-%A_%a.log
set -euo pipefail
manifest=$1 output=$2 key=$3

# SLURM_ARRAY_TASK_COUNT counts the tasks of this submission. --array=3,7 or 1-32 would be other shards:
# a rerun is the whole array again, and skips what is there.
if ((SLURM_ARRAY_TASK_MIN != 0 || SLURM_ARRAY_TASK_MAX != SLURM_ARRAY_TASK_COUNT - 1)); then
  echo "the array has to be 0-N, without gaps" >&2
  exit 2
fi

code=0
unreel batch "$manifest" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" \
  -q --no-input --if-exists skip -d "$output" -k "$key" || code=$?
if [ "$code" = 75 ] && ((${SLURM_RESTART_COUNT:-0} < 3)); then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
