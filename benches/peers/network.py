#!/usr/bin/env python3
"""Measures unreel fetching recordings against curl fetching the same files, from the provider server of
the tests on this machine, and prints the tables.

    benches/peers/network.py [--rounds 5] [--memory DIR] [--only few,small,large,tls]

`curl -Z` downloads, and no more; unreel lists, downloads, decrypts, verifies and names. Both write to a
tmpfs, which needs room for 1.1 GiB. The server shares the cores with them: what it takes is in the wall
time of both. Programs take turns; medians are printed. Only ratios within one run mean anything.
"""

import argparse
import contextlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from run import KEY, MIB, ROOT, Run, bench_binary, table

JOBS = "8"


def built():
    """The release builds of unreel, and of the server."""
    command = ["cargo", "build", "--release", "--bin", "unreel", "--example", "fake-provider", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    made = {m["target"]["name"]: m["executable"] for m in map(json.loads, lines) if m.get("executable")}
    return made["unreel"], made["fake-provider"]


@contextlib.contextmanager
def provider(program, *flags):
    """The server, until the end of the block: the environment to reach it."""
    server = subprocess.Popen([program, *map(str, flags)], stdout=subprocess.PIPE, text=True)
    try:
        env = {}
        for line in server.stdout:
            if not line.startswith("export "):
                break
            name, value = shlex.split(line)[1].split("=", 1)
            env[name] = value
        yield env
    finally:
        server.terminate()
        server.wait()


def curl(env, count, folder):
    """curl, for all the media. What is secret is in a file, as it should be."""
    config = folder / "curl.conf"
    base = f"{env['UNREEL_TWILIO_API_URL']}/2010-04-01/Accounts/{env['TWILIO_ACCOUNT_SID']}/Recordings"
    lines = [f'user = "{env["TWILIO_API_KEY"]}:{env["TWILIO_API_SECRET"]}"']
    lines += [f'url = "{base}/REf100d{number:027x}.wav"' for number in range(count)]
    if "TWILIO_CA_BUNDLE" in env:
        lines.append(f'cacert = "{env["TWILIO_CA_BUNDLE"]}"')
    config.write_text("\n".join(lines))
    command = ["curl", "-q", "--no-progress-meter", "-f", "-Z", "--parallel-max", JOBS, "--remote-name-all", "--output-dir", "OUT/"]
    return Run(f"curl -Z --parallel-max {JOBS}", [*command, "-K", config])


def fetching(unreel, env, name, *flags):
    return Run(name, [unreel, "twilio-voice", "--all", "-q", "-d", "OUT/", *flags], env=env)


def measure(title, runs, count, output, rounds, base):
    """Runs each once unmeasured, looks whether it brought all recordings, and prints the table."""
    for run in runs:
        run.once(output)
        ends = (".wav", ".enc")
        there = sum(entry.name.endswith(ends) for entry in os.scandir(output)) if output.is_dir() else count
        if there != count:
            raise SystemExit(f"{run.name} brought {there} of {count}")
        run.wall, run.cpu, run.peak = [], [], []
    table(title, runs, output, rounds, base)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"))
    parser.add_argument("--only", default="few,small,large,tls")
    args = parser.parse_args()
    only = args.only.split(",")

    unreel, server = built()
    bare = bench_binary()
    version = subprocess.run(["curl", "--version"], check=True, capture_output=True, text=True).stdout.split()[1]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, "
          f"{time.strftime('%Y-%m-%d')}; curl {version}; medians of {args.rounds}")
    with tempfile.TemporaryDirectory(dir=args.memory) as memory:
        memory = Path(memory)
        output = memory / "out"
        key = ("-k", KEY)

        def few(count, size, latency):
            with provider(server, "--recordings", count, "--bytes", size, "--latency", latency) as env:
                runs = [fetching(unreel, env, f"unreel -j {jobs}", "-j", jobs, *key) for jobs in ["1", "4", JOBS]]
                measure(f"{count} × {size // 1000} kB, {latency} ms an answer", runs, count, output, args.rounds, runs[0].name)

        def beside_curl(title, count, size, latency, *flags):
            with provider(server, "--recordings", count, "--bytes", size, "--latency", latency, *flags) as env:
                runs = [
                    curl(env, count, memory),
                    fetching(unreel, env, f"unreel -j {JOBS}", "-j", JOBS, *key),
                    fetching(unreel, env, f"unreel -j {JOBS} --download-only", "-j", JOBS, "--download-only"),
                    Run("bare RSA unwraps", [bare, str(count)]),
                ]
                measure(f"{title}, {latency} ms an answer", runs, count, output, args.rounds, runs[0].name)

        if "few" in only:
            few(300, 100_000, 20)
        for latency in [0, 20]:
            if "small" in only:
                beside_curl("2,000 × 100 kB", 2000, 100_000, latency)
            if "large" in only:
                beside_curl("8 × 128 MiB", 8, 128 * MIB, latency)
        if "large" in only:
            beside_curl("8 × 128 MiB without ETag", 8, 128 * MIB, 0, "--no-etag")
        if "tls" in only:
            beside_curl("2,000 × 100 kB over TLS", 2000, 100_000, 20, "--tls")
            beside_curl("8 × 128 MiB over TLS", 8, 128 * MIB, 20, "--tls")
        if output.exists():
            shutil.rmtree(output)


if __name__ == "__main__":
    main()
