#!/usr/bin/env python3
"""Measures unreel against its peers on the same files in the same run, and prints the table.

    benches/peers/run.py [--mib 1024] [--rounds 5] [--disk DIR] [--memory DIR]

Builds unreel and the C peer, makes a recording of each kind, and runs every program in rotation;
medians are printed. Only ratios within one run mean anything. Peers that are not installed are
named as absent, and without GNU time there is no peak. The memory folder (a tmpfs) needs room for
three recordings.
"""

import argparse
import base64
import json
import os
import platform
import shutil
import statistics
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
KEY = ROOT / "fixtures/keys/pkcs8.pem"
MIB = 1 << 20
SMALL, SMALL_BYTES = 1000, 60_000
STARTS = 200


def wav(length):
    """The header of a dual-channel 8 kHz WAV of so many bytes."""
    return struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", length - 8, b"WAVE", b"fmt ", 16, 1, 2, 8000,
                       32000, 4, 16, b"data", length - 44)


def mp4(length):
    """The start of an MP4 whose media data box fills the rest."""
    brand = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"isom", 512, b"isom", b"mp41")
    return brand + struct.pack(">I4sQ", 1, b"mdat", length - len(brand))


def wrap(cek, how):
    public = serialization.load_pem_public_key((ROOT / "fixtures/keys/public.pem").read_bytes())
    return base64.b64encode(public.encrypt(cek, how)).decode()


OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def make_big(folder, mib):
    """One recording of each kind; returns {mode: (key, iv)} in hexadecimal."""
    filler = os.urandom(MIB)
    secrets = {}
    for mode, header in [("gcm", wav(mib * MIB)), ("cbc", mp4(mib * MIB))]:
        cek, iv = os.urandom(32), os.urandom(12 if mode == "gcm" else 16)
        cipher = modes.GCM(iv) if mode == "gcm" else modes.CBC(iv)
        encryptor = Cipher(algorithms.AES(cek), cipher).encryptor()
        with open(folder / f"{mode}.enc", "wb") as out:
            out.write(encryptor.update(header + filler[len(header):]))
            for _ in range(mib - 1):
                out.write(encryptor.update(filler))
            if mode == "cbc":
                out.write(encryptor.update(bytes([16] * 16)))
            out.write(encryptor.finalize())
            if mode == "gcm":
                out.write(encryptor.tag)
        iv64 = base64.b64encode(iv).decode()
        if mode == "gcm":
            metadata = {"type": "rsa-aes", "encrypted_cek": wrap(cek, OAEP), "iv": iv64}
        else:
            metadata = {"x-amz-key": wrap(cek, padding.PKCS1v15()), "x-amz-iv": iv64,
                        "x-amz-unencrypted-content-length": str(mib * MIB)}
        (folder / f"{mode}.enc.json").write_text(json.dumps(metadata))
        secrets[mode] = (cek.hex(), iv.hex())
    return secrets


def make_small(folder):
    """A thousand short calls, and as many short compositions for the loop with openssl."""
    for name in ["voice", "video"]:
        (folder / name).mkdir()
    for number in range(SMALL):
        cek, iv = os.urandom(32), os.urandom(16)
        body = os.urandom(SMALL_BYTES - 44)
        sealed = AESGCM(cek).encrypt(iv[:12], wav(SMALL_BYTES) + body, None)
        voice = folder / f"voice/RE{number:032x}"
        voice.with_suffix(".enc").write_bytes(sealed)
        details = {"encrypted_cek": wrap(cek, OAEP), "iv": base64.b64encode(iv[:12]).decode()}
        voice.with_suffix(".json").write_text(json.dumps({"sid": voice.name, "encryption_details": details}))
        encryptor = Cipher(algorithms.AES(cek), modes.CBC(iv)).encryptor()
        header = mp4(SMALL_BYTES)
        plain = header + os.urandom(SMALL_BYTES - len(header))
        pad = 16 - SMALL_BYTES % 16
        video = folder / f"video/CJ{number:032x}"
        video.with_suffix(".enc").write_bytes(encryptor.update(plain + bytes([pad] * pad)) + encryptor.finalize())
        wrapped = wrap(cek, padding.PKCS1v15())
        video.with_suffix(".json").write_text(json.dumps({
            "x-amz-key": wrapped, "x-amz-iv": base64.b64encode(iv).decode(),
            "x-amz-unencrypted-content-length": str(SMALL_BYTES)}))
        video.with_suffix(".wrapped").write_bytes(base64.b64decode(wrapped))
        video.with_suffix(".iv").write_text(iv.hex())


LOOP = """
for f in "$1"/*.enc; do
    key=$(openssl pkeyutl -decrypt -inkey "$2" -in "${f%.enc}.wrapped" | xxd -p -c 64) || exit 1
    openssl enc -d -aes-256-cbc -K "$key" -iv "$(cat "${f%.enc}.iv")" -in "$f" -out "$3/$(basename "$f").mp4" || exit 1
done
"""


class Run:
    """One program on one way: wall and CPU seconds and the peak resident MiB of each round."""

    def __init__(self, name, command, env=None, pipe=False, after=None):
        self.name, self.command, self.pipe, self.after = name, [str(a) for a in command], pipe, after
        self.env = {**os.environ, **(env or {})}
        self.wall, self.cpu, self.peak = [], [], []

    def once(self, output):
        if output.is_dir():
            shutil.rmtree(output)
        output.unlink(missing_ok=True)
        if "OUT/" in self.command:
            output.mkdir()
        there = {"OUT": str(output), "OUT/": str(output), "of=OUT": f"of={output}"}
        command = [there.get(a, a) for a in self.command]
        # A child starts with this interpreter's peak; GNU time's child does not.
        peak = output.with_name("peak")
        if shutil.which("time"):
            command = ["time", "-f", "%M", "-o", str(peak), *command]
        start = time.perf_counter()
        reader = None
        if self.pipe:
            reader = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=self.env,
                                 stdout=reader.stdin if reader else subprocess.DEVNULL)
        if reader:
            reader.stdin.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = status
        if reader:
            reader.wait()
        if self.after:
            subprocess.run([*self.after, str(output)], check=True)
        self.wall.append(time.perf_counter() - start)
        if status:
            raise SystemExit(f"{self.name} failed: {command}")
        self.cpu.append(usage.ru_utime + usage.ru_stime)
        if peak.exists():
            self.peak.append(int(peak.read_text()) / 1024)


def table(title, runs, output, rounds, base):
    """Runs all in rotation and prints their medians and ratios to `base`."""
    for number in range(rounds):
        turn = number % len(runs)
        for run in runs[turn:] + runs[:turn]:
            run.once(output)
    median = statistics.median
    of = {run.name: median(run.wall) for run in runs}
    print(f"\n### {title}\n\n| | wall s | × {base} | CPU s | peak MiB |\n| --- | --- | --- | --- | --- |")
    for run in runs:
        ratio = of[run.name] / of[base]
        peak = f"{median(run.peak):.0f}" if run.peak else "?"
        print(f"| {run.name} | {of[run.name]:.3f} | {ratio:.2f} | {median(run.cpu):.2f} | {peak} |")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--disk", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"))
    args = parser.parse_args()

    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    unreel = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/unreel"
    with tempfile.TemporaryDirectory(dir=args.memory) as memory, tempfile.TemporaryDirectory(dir=args.disk) as disk:
        memory, disk = Path(memory), Path(disk)
        secrets = make_big(memory, args.mib)
        tools = build_tools(disk)
        print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Linux "
              f"{platform.release()}, {time.strftime('%Y-%m-%d')}; {args.mib} MiB a recording, medians of {args.rounds}")
        for name in sorted({"openssl", "node", "java", "gcm.c", "static glibc", "static musl"} - set(tools)):
            print(f"absent: {name}")

        def big(mode, *flags, **more):
            command = "twilio-voice" if mode == "gcm" else "twilio-video"
            threads = f", {flags[1]} thread" if "--threads" in flags else ""
            name = more.pop("name", f"unreel {mode.upper()}{threads}")
            path = more.pop("folder", memory) / f"{mode}.enc"
            return Run(name, [unreel, command, "-q", "-k", KEY, *flags, path], **more)

        def openssl(out, folder=memory, **more):
            key, iv = secrets["cbc"]
            command = ["openssl", "enc", "-d", "-aes-256-cbc", "-K", key, "-iv", iv, "-in", folder / "cbc.enc"]
            return Run("openssl enc CBC", command + (["-out", "OUT"] if out else []), **more)

        to_file = ["-f", "-o", "OUT"]
        runs = [Run("cp", ["cp", memory / "gcm.enc", "OUT"])]
        # cp copies inside the kernel; this is what a program pays that reads and writes.
        runs.append(Run("dd, unreel's segments", ["dd", f"if={memory / 'gcm.enc'}", "of=OUT", "bs=192512", "status=none"]))
        runs += [big(mode, *to_file) for mode in secrets]
        runs += [big(mode, "--threads", "1", *to_file) for mode in secrets]
        if "openssl" in tools:
            runs.append(openssl(True))
        if "gcm.c" in tools:
            runs.append(Run("libcrypto EVP GCM (C)", [tools["gcm.c"], *secrets["gcm"], memory / "gcm.enc", "OUT"]))
        for mode in secrets:
            if "node" in tools:
                script = HERE / "decrypt.mjs"
                runs.append(Run(f"Node {mode.upper()}", ["node", script, mode, *secrets[mode], memory / f"{mode}.enc", "OUT"]))
            script = HERE / "decrypt.py"
            runs.append(Run(f"Python cryptography {mode.upper()}", ["python3", script, mode, *secrets[mode], memory / f"{mode}.enc", "OUT"]))
        if "java" in tools:
            runs.append(Run("Java CipherOutputStream CBC", ["java", "-cp", tools["java"], "Cbc", *secrets["cbc"], memory / "cbc.enc", "OUT"]))
        table("Memory to memory (tmpfs)", runs, memory / "out", args.rounds, "cp")

        runs = [Run("cat", ["sh", "-c", f"cat {memory}/gcm.enc >/dev/null"])]
        runs += [big(mode, "--check", name=f"unreel --check {mode.upper()}") for mode in secrets]
        table("Verification only", runs, memory / "out", args.rounds, "cat")

        runs = [Run("cat", ["cat", memory / "gcm.enc"], pipe=True)]
        runs += [big(mode, "-o", "-", pipe=True) for mode in secrets]
        if "openssl" in tools:
            runs.append(openssl(False, pipe=True))
        table("To a pipe, read by cat", runs, memory / "out", args.rounds, "openssl enc CBC" if "openssl" in tools else "cat")

        for mode in secrets:
            for name in [f"{mode}.enc", f"{mode}.enc.json"]:
                shutil.copy(memory / name, disk / name)
        nosync = {"LD_PRELOAD": tools["nosync.c"]} if "nosync.c" in tools else None
        runs = [Run("cp", ["cp", disk / "gcm.enc", "OUT"]), Run("cp, then sync", ["cp", disk / "gcm.enc", "OUT"], after=["sync"])]
        for mode in secrets:
            runs.append(big(mode, *to_file, folder=disk))
            if nosync:
                runs.append(big(mode, *to_file, folder=disk, env=nosync, name=f"unreel {mode.upper()}, fsync left out"))
        if "openssl" in tools:
            runs += [openssl(True, disk), openssl(True, disk, after=["sync"])]
            runs[-1].name += ", then sync"
        table("Disk to disk, warm cache", runs, disk / "out", args.rounds, "cp")

        for name in list(memory.iterdir()):
            name.unlink()
        make_small(memory)
        key = ["-k", KEY, "-d", "OUT/"]
        runs = [
            Run("unreel twilio-voice, one call", [unreel, "twilio-voice", "-q", *key, *sorted(memory.glob("voice/*.enc"))]),
            Run("unreel twilio-video, one call", [unreel, "twilio-video", "-q", *key, *sorted(memory.glob("video/*.enc"))]),
        ]
        if "openssl" in tools:
            runs.append(Run("openssl loop", ["bash", "-c", LOOP, "loop", memory / "video", KEY, "OUT/"]))
        bare = Run("bare RSA unwraps", [bench_binary(), str(SMALL)])
        one = next(memory.glob("voice/*.enc"))
        start_up(unreel, tools, [unreel, "twilio-voice", "-q", "-f", "-k", KEY, "-o", memory / "out", one])
        (memory / "out").unlink()
        table(f"{SMALL} recordings of {SMALL_BYTES // 1000} kB, memory to memory", [bare, *runs], memory / "out", args.rounds, bare.name)


def start_up(unreel, tools, recording):
    """How long it takes to start and end, and to open one short call."""
    commands = {"empty Rust program": [tools["empty"]], "unreel --version": [unreel, "--version"]}
    for name in ["static glibc", "static musl"]:
        if name in tools:
            commands[f"unreel --version, {name}"] = [tools[name], "--version"]
    if "openssl" in tools:
        commands["openssl version"] = ["openssl", "version"]
    commands["one call of 60 kB"] = recording
    commands["one RSA unwrap, bare"] = [bench_binary(), "1"]
    wall = {name: [] for name in commands}
    with open(os.devnull, "w") as null:
        actions = [(os.POSIX_SPAWN_DUP2, null.fileno(), 1)]
        for _ in range(STARTS):
            for name, command in commands.items():
                command = [str(a) for a in command]
                start = time.perf_counter()
                child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
                _, status = os.waitpid(child, 0)
                wall[name].append(time.perf_counter() - start)
                if status:
                    raise SystemExit(f"{name} failed: {command}")
    print(f"\n### Start-up, medians of {STARTS}\n\n| | ms | × empty |\n| --- | --- | --- |")
    empty = statistics.median(wall["empty Rust program"])
    for name, times in wall.items():
        print(f"| {name} | {statistics.median(times) * 1e3:.2f} | {statistics.median(times) / empty:.2f} |")
    print(flush=True)


def build_tools(folder):
    """The peers that are here: names and, where they were built, paths."""
    tools = {name: name for name in ["openssl", "node"] if shutil.which(name)}
    cc = shutil.which("cc")
    if cc:
        shared = subprocess.run([cc, "-shared", "-fPIC", "-o", folder / "nosync.so", HERE / "nosync.c"])
        if shared.returncode == 0:
            tools["nosync.c"] = str(folder / "nosync.so")
        built = subprocess.run([cc, "-O2", "-o", folder / "gcm", HERE / "gcm.c", "-lcrypto"], stderr=subprocess.DEVNULL)
        if built.returncode == 0:
            tools["gcm.c"] = str(folder / "gcm")
    (folder / "empty.rs").write_text("fn main() {}")
    subprocess.run(["rustc", "-O", "-o", folder / "empty", folder / "empty.rs"], check=True)
    tools["empty"] = str(folder / "empty")
    for name, target in [("static glibc", "gnu"), ("static musl", "musl")]:
        triple = f"{platform.machine()}-unknown-linux-{target}"
        flags = {"RUSTFLAGS": "-C target-feature=+crt-static"}
        build = ["cargo", "build", "--release", "--quiet", "--target", triple, "--target-dir", folder / name]
        built = subprocess.run(build, cwd=ROOT, env={**os.environ, **flags}, stderr=subprocess.DEVNULL)
        if built.returncode == 0:
            tools[name] = str(folder / name / triple / "release/unreel")
    if shutil.which("javac") and shutil.which("java"):
        subprocess.run(["javac", "-d", folder, HERE / "Cbc.java"], check=True)
        tools["java"] = str(folder)
    return tools


def bench_binary():
    """The program of benches/unwrap.rs."""
    command = ["cargo", "bench", "--bench", "unwrap", "--no-run", "--message-format=json"]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    messages = [json.loads(line) for line in lines]
    return next(m["executable"] for m in messages if m.get("executable") and m["target"]["name"] == "unwrap")


if __name__ == "__main__":
    main()
