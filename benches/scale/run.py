#!/usr/bin/env python3
"""Measures how unreel's time grows with the recordings of a list and with the keys of a folder.

    benches/scale/run.py [--unreel PATH] [--most 16000] [--recordings 1000] [--rounds 3]

Without --unreel, a release build is made. What is counted is CPU time, of user and system, the least of
the rounds. The first curve must be a straight line: N recordings of one list are skipped, since their
outputs are there. The second must be flat: of K keys in a folder, the last one opens all recordings.
"""

import argparse
import base64
import json
import os
import resource
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = bytes(8000)
WAV = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", len(SAMPLES) + 36, b"WAVE", b"fmt ", 16, 1, 1, 8000,
                  16000, 2, 16, b"data", len(SAMPLES)) + SAMPLES
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
KEYS = [1, 10, 100]


def recording_id(number):
    return f"RE{number:032x}"


def write_key(path, key):
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                            serialization.NoEncryption())
    path.touch(mode=0o600)
    path.write_bytes(pem)


def compact(document):
    """16,000 recordings are 7.8 MiB so; 8 MiB is the most that is read of a document."""
    return json.dumps(document, separators=(",", ":"))


def make(folder, count, key):
    """So many recordings in `in`, in one list."""
    (folder / "in").mkdir(parents=True)
    recordings = []
    for number in range(count):
        cek, iv = os.urandom(32), os.urandom(12)
        sealed = AESGCM(cek).encrypt(iv, WAV, None)
        (folder / "in" / f"{recording_id(number)}.wav.enc").write_bytes(sealed)
        recordings.append({"sid": recording_id(number), "encryption_details": {
            "public_key_sid": f"CR{7:032x}",
            "encrypted_cek": base64.b64encode(key.public_key().encrypt(cek, OAEP)).decode(),
            "iv": base64.b64encode(iv).decode()}})
    (folder / "list.json").write_text(compact({"recordings": recordings}))


def inputs(count):
    return [f"in/{recording_id(number)}.wav.enc" for number in range(count)]


def seconds(command, folder, rounds, before):
    """The least CPU time of a run that has to succeed."""
    times = []
    for _ in range(rounds):
        before()
        start = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(end.ru_utime + end.ru_stime - start.ru_utime - start.ru_stime)
    return min(times)


def skipping(unreel, folder, most, rounds, key):
    make(folder, most, key)
    write_key(folder / "key.pem", key)
    whole = json.loads((folder / "list.json").read_text())["recordings"]
    (folder / "out").mkdir()
    for number in range(most):
        (folder / "out" / f"{recording_id(number)}.wav").write_bytes(WAV)
    print("| recordings | skipped in, s of CPU | µs a recording |\n| ---: | ---: | ---: |")
    for count in sorted({most >> shift for shift in range(5)}):
        (folder / "list.json").write_text(compact({"recordings": whole[:count]}))
        command = [unreel, "twilio-voice", "-q", "-m", "list.json", "-k", "key.pem", "-d", "out",
                   "--if-exists", "skip", *inputs(count)]
        took = seconds(command, folder, rounds, lambda: None)
        print(f"| {count:,} | {took:.2f} | {took / count * 1e6:.0f} |", flush=True)


def trying(unreel, folder, count, rounds, key):
    make(folder, count, key)
    others = [rsa.generate_private_key(65537, 2048) for _ in range(max(KEYS) - 1)]
    print("\n| keys | decrypted in, s of CPU | to one key |\n| ---: | ---: | ---: |")
    one = None
    for keys in KEYS:
        ring = folder / f"keys-{keys}"
        ring.mkdir(mode=0o700)
        for number, other in enumerate(others[:keys - 1]):
            write_key(ring / f"{number:04}.pem", other)
        write_key(ring / "last.pem", key)
        command = [unreel, "twilio-voice", "-q", "-m", "list.json", "-k", ring.name, "-d", "out",
                   *inputs(count)]

        def before():
            shutil.rmtree(folder / "out", ignore_errors=True)
            (folder / "out").mkdir()

        took = seconds(command, folder, rounds, before)
        one = one or took
        print(f"| {keys} | {took:.2f} | {took / one:.2f} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unreel", type=Path)
    parser.add_argument("--most", type=int, default=16_000)
    parser.add_argument("--recordings", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    unreel = options.unreel
    if unreel is None:
        subprocess.run(["cargo", "build", "--locked", "--release"], cwd=ROOT, check=True)
        unreel = ROOT / "target/release/unreel"
    key = rsa.generate_private_key(65537, 2048)
    with tempfile.TemporaryDirectory() as folder:
        skipping(unreel.resolve(), Path(folder) / "skip", options.most, options.rounds, key)
        trying(unreel.resolve(), Path(folder) / "keys", options.recordings, options.rounds, key)


main()
