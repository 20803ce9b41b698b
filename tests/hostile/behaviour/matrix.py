#!/usr/bin/env python3
"""What a decrypting tool does with its output when things go wrong: 17 checks, as Markdown.

    tests/hostile/behaviour/matrix.py [--unreel PATH] [--size BYTES]

Runs unreel on a Twilio Voice recording (AES-256-GCM), and age, gpg, openssl cms (AES-256-GCM) and
openssl enc (AES-256-CBC) on the same plaintext where they are installed. Keys and recordings are
made here by the tools themselves and by OpenSSL. Exit status 0 if unreel passes every check.

Python's standard library and openssl are all it needs; strace shows what a run asks the system
for, unshare makes a small disk. Without one of them its checks are marked and not counted.
"""

import argparse
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OLD = b"the old file\n"


def run(*argv, stdin=None, **options):
    return subprocess.run([str(arg) for arg in argv], input=stdin, capture_output=True, check=False, **options)


def must(*argv, stdin=None, **options):
    done = run(*argv, stdin=stdin, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, argv))}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def wav(size):
    """Bytes that start like a WAV file and do not repeat."""
    length = lambda n: n.to_bytes(4, "little")
    head = (b"RIFF" + length(size - 8) + b"WAVEfmt " + length(16) + bytes([1, 0, 1, 0]) + length(8000)
            + length(16000) + bytes([2, 0, 16, 0]) + b"data" + length(size - 44))
    body = b"".join(b"%015d\n" % n for n in range(size // 16 + 1))
    return head + body[:size - 44]


def ghash(h, data):
    """GHASH (SP 800-38D, section 6.4) of whole blocks, by a table for each byte of a block."""
    reduce = 0xE1 << 120
    powers = [h]  # h times x, x^2, …; the first bit is the highest power's
    for _ in range(127):
        last = powers[-1]
        powers.append(last >> 1 ^ (reduce if last & 1 else 0))
    tables = []
    for place in range(16):
        table = [0] * 256
        for byte in range(1, 256):
            low = byte & -byte
            table[byte] = table[byte ^ low] ^ powers[place * 8 + 7 - low.bit_length() + 1]
        tables.append(table)
    tag = 0
    for at in range(0, len(data), 16):
        block = (tag ^ int.from_bytes(data[at:at + 16], "big")).to_bytes(16, "big")
        tag = 0
        for table, byte in zip(tables, block):
            tag ^= table[byte]
    return tag


def gcm(key, iv, plain):
    """AES-256-GCM of OpenSSL's counter mode: its command line has no GCM."""
    ecb = lambda block: must("openssl", "enc", "-aes-256-ecb", "-nopad", "-K", key.hex(), stdin=block)
    sealed = must("openssl", "enc", "-aes-256-ctr", "-K", key.hex(), "-iv", (iv + b"\0\0\0\2").hex(), stdin=plain)
    padded = sealed + bytes(-len(sealed) % 16) + bytes(8) + (len(sealed) * 8).to_bytes(8, "big")
    h = int.from_bytes(ecb(bytes(16)), "big")
    mask = int.from_bytes(ecb(iv + b"\0\0\0\1"), "big")
    return sealed + (ghash(h, padded) ^ mask).to_bytes(16, "big")


class Tool:
    """A tool with its keys. `argv` decrypts `source` (None: standard input) to `target` (None:
    standard output), with the wrong key if asked for, over an existing file if asked for."""

    env = None

    def __init__(self, folder, plain):
        self.folder = folder
        self.sealed = self.seal(plain)


class Unreel(Tool):
    name = "unreel"

    def seal(self, plain):
        key, iv = os.urandom(32), os.urandom(12)
        for name in ("key", "other"):
            must("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048",
                 "-out", self.folder / f"{name}.pem")
            os.chmod(self.folder / f"{name}.pem", 0o600)
        wrapped = must("openssl", "pkeyutl", "-encrypt", "-inkey", self.folder / "key.pem", "-pkeyopt",
                       "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", stdin=key)
        details = {"encrypted_cek": base64.b64encode(wrapped).decode(), "type": "rsa-aes",
                   "iv": base64.b64encode(iv).decode()}
        (self.folder / "details.json").write_text(json.dumps(details))
        return gcm(key, iv, plain)

    def argv(self, source, target, wrong=False, force=False):
        key = self.folder / ("other.pem" if wrong else "key.pem")
        return [self.binary, "twilio-voice", "-m", self.folder / "details.json", "-k", key, source or "-",
                "-o", target or "-", *(["-f"] if force else [])]

    def version(self):
        return must(self.binary, "-V").decode().strip()


class Age(Tool):
    name = "age"

    def seal(self, plain):
        for name in ("key", "other"):
            must("age-keygen", "-o", self.folder / name)
        public = must("age-keygen", "-y", self.folder / "key").decode().strip()
        return must("age", "-r", public, stdin=plain)

    def argv(self, source, target, wrong=False, force=False):
        key = self.folder / ("other" if wrong else "key")
        return ["age", "-d", "-i", key, *(["-o", target] if target else []), *([source] if source else [])]

    def version(self):
        return "age " + must("age", "--version").decode().strip()


class Gpg(Tool):
    name = "gpg"

    def seal(self, plain):
        for home in ("home", "other"):
            (self.folder / home).mkdir(mode=0o700)
            must("gpg", "--homedir", self.folder / home, "--batch", "--passphrase", "", "--quick-gen-key",
                 "test", "rsa2048", "default", "never")
            keygrip = must("gpg", "--homedir", self.folder / home, "--list-keys", "--with-colons").decode()
            fingerprint = next(line.split(":")[9] for line in keygrip.splitlines() if line.startswith("fpr"))
            must("gpg", "--homedir", self.folder / home, "--batch", "--passphrase", "", "--quick-add-key",
                 fingerprint, "rsa2048", "encr")
        return must("gpg", "--homedir", self.folder / "home", "--batch", "--trust-model", "always",
                    "--compress-algo", "none", "-r", "test", "-e", stdin=plain)

    def argv(self, source, target, wrong=False, force=False):
        home = self.folder / ("other" if wrong else "home")
        return ["gpg", "--homedir", home, "--batch", *(["--yes"] if force else []),
                *(["-o", target] if target else []), "-d", *([source] if source else [])]

    def version(self):
        return "gpg " + must("gpg", "--version").decode().split("\n")[0].split()[-1]


class Cms(Tool):
    name = "openssl cms"

    def seal(self, plain):
        for name in ("key", "other"):
            must("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test", "-keyout",
                 self.folder / f"{name}.pem", "-out", self.folder / f"{name}.crt")
        (self.folder / "plain").write_bytes(plain)
        must("openssl", "cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER", "-in",
             self.folder / "plain", "-out", self.folder / "sealed", self.folder / "key.crt")
        return (self.folder / "sealed").read_bytes()

    def argv(self, source, target, wrong=False, force=False):
        name = "other" if wrong else "key"
        return ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", self.folder / f"{name}.pem",
                *(["-in", source] if source else []), *(["-out", target] if target else [])]

    def version(self):
        return "openssl cms " + must("openssl", "version").decode().split()[1]


class Enc(Tool):
    name = "openssl enc"

    def seal(self, plain):
        (self.folder / "key").write_text("correct horse\n")
        (self.folder / "other").write_text("wrong horse\n")
        return must("openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-pass", f"file:{self.folder / 'key'}", stdin=plain)

    def argv(self, source, target, wrong=False, force=False):
        return ["openssl", "enc", "-d", "-aes-256-cbc", "-pbkdf2", "-pass",
                f"file:{self.folder / ('other' if wrong else 'key')}",
                *(["-in", source] if source else []), *(["-out", target] if target else [])]

    def version(self):
        return "openssl enc " + must("openssl", "version").decode().split()[1]


class Checks:
    """Each check returns whether it passed and what was seen; None where it cannot be run."""

    def __init__(self, tool, plain, folder):
        self.tool, self.plain, self.folder = tool, plain, folder
        self.out = folder / "out"
        self.target = self.out / "result"
        self.source = folder / "source"

    def start(self, sealed=None, old=None):
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.mkdir()
        self.source.write_bytes(self.tool.sealed if sealed is None else sealed)
        if old is not None:
            self.target.write_bytes(old)

    def decrypt(self, *prefix, source=None, target=None, **how):
        argv = self.tool.argv(source or self.source, target or self.target, **how)
        # A tool that waits for an answer gets none.
        return run(*prefix, *argv, stdin=b"", umask=0o022)

    def left(self):
        names = {path.name: path.stat().st_size for path in self.out.iterdir()}
        return ", ".join(f"{size:,} bytes left" for size in names.values())

    def nothing(self, sealed=None, **how):
        self.start(sealed)
        done = self.decrypt(**how)
        left = self.left()
        return done.returncode != 0 and not left, f"exit {done.returncode}, {left or 'no file'}"

    def round_trip(self):
        self.start()
        done = self.decrypt()
        same = self.target.exists() and self.target.read_bytes() == self.plain
        return done.returncode == 0 and same, f"exit {done.returncode}"

    def wrong_key(self):
        return self.nothing(wrong=True)

    def flipped(self, at):
        sealed = bytearray(self.tool.sealed)
        sealed[at] ^= 1
        return bytes(sealed)

    def middle(self):
        return self.nothing(self.flipped(len(self.tool.sealed) // 2))

    def last(self):
        return self.nothing(self.flipped(-1))

    def half(self):
        return self.nothing(self.tool.sealed[:len(self.tool.sealed) // 2])

    def minus_one(self):
        return self.nothing(self.tool.sealed[:-1])

    def trailing(self):
        return self.nothing(self.tool.sealed + b"trailing garbage")

    def old_kept(self):
        self.start(self.flipped(len(self.tool.sealed) // 2), OLD)
        done = self.decrypt(force=True)
        kept = self.target.exists() and self.target.read_bytes() == OLD
        return done.returncode != 0 and kept, f"exit {done.returncode}, {'kept' if kept else 'old file lost'}"

    def refuses(self):
        self.start(old=OLD)
        done = self.decrypt()
        kept = self.target.read_bytes() == OLD
        return done.returncode != 0 and kept, f"exit {done.returncode}, {'kept' if kept else 'replaced'}"

    def in_is_out(self):
        self.start()
        done = self.decrypt(target=self.source, force=True)
        kept = self.source.read_bytes() == self.tool.sealed
        return kept, f"exit {done.returncode}, input {'kept' if kept else f'now {self.source.stat().st_size:,} bytes'}"

    def symlink(self):
        self.start()
        victim = self.folder / "victim"
        victim.write_bytes(OLD)
        self.target.symlink_to(victim)
        done = self.decrypt(force=True)
        kept = victim.read_bytes() == OLD
        return kept, f"exit {done.returncode}, {'not followed' if kept else 'followed'}"

    def disk_full(self):
        self.start()
        script = ('mount -t tmpfs -o size=1m none "$OUT" || exit 99; "$@"; code=$?; '
                  'echo "left:" $(stat -c %s "$OUT"/* "$OUT"/.[!.]* 2>/dev/null) >&2; exit $code')
        for flags in ("-Urm", "-m"):
            if not shutil.which("unshare"):
                break
            argv = [str(arg) for arg in self.tool.argv(self.source, self.target)]
            done = run("unshare", flags, "sh", "-c", script, "sh", *argv, env={**os.environ, "OUT": str(self.out)})
            if b"left:" in done.stderr:
                left = done.stderr.decode(errors="replace").rsplit("left:", 1)[1].split()
                seen = ", ".join(f"{int(size):,} bytes left" for size in left) or "nothing left"
                return done.returncode != 0 and not left, f"exit {done.returncode}, {seen}"
        return None, "no unshare"

    def mode(self):
        self.start()
        self.decrypt()
        mode = self.target.stat().st_mode & 0o777 if self.target.exists() else 0
        return mode == 0o600, f"{mode:04o}"

    def closed_pipe(self):
        self.start()
        argv = [str(arg) for arg in self.tool.argv(self.source, None)]
        child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        child.stdout.read(1)
        child.stdout.close()
        code = child.wait()
        return code != 0, f"exit {code if code >= 0 else 128 - code}"

    def trace(self):
        if not shutil.which("strace"):
            return None
        self.start()
        log = self.folder / "trace"
        calls = "fsync,fdatasync,sync_file_range,link,linkat,rename,renameat,renameat2"
        done = self.decrypt("strace", "-f", "-qq", "-o", log, "-e", f"trace={calls}")
        return log.read_text() if done.returncode == 0 else None

    def fsync(self):
        trace = self.trace()
        if trace is None:
            return None, "no strace"
        count = trace.count("sync(")
        return count > 0, f"{count} calls"

    def atomic(self):
        trace = self.trace()
        if trace is None:
            return None, "no strace"
        named = [line for line in trace.splitlines() if "/result\"" in line and ("link" in line or "rename" in line)]
        return bool(named), "linked or renamed when done" if named else "written under its name"

    def sigterm(self):
        self.start()
        argv = [str(arg) for arg in self.tool.argv(None, self.target)]
        child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            child.stdin.write(self.tool.sealed[:len(self.tool.sealed) // 2])
            child.stdin.flush()
            time.sleep(1)
        except BrokenPipeError:
            pass
        child.send_signal(signal.SIGTERM)
        code = child.wait()
        child.stdin.close()
        left = self.left()
        return code != 0 and not left, f"exit {code if code >= 0 else 128 - code}, {left or 'no file'}"


CHECKS = [
    ("the recording comes out whole", "round_trip"),
    ("no file after a wrong key", "wrong_key"),
    ("no file after a flipped bit in the middle", "middle"),
    ("no file after a flipped bit at the end", "last"),
    ("no file after an input cut in half", "half"),
    ("no file after an input without its last byte", "minus_one"),
    ("no file after an input with bytes behind it", "trailing"),
    ("tampered input: the old file is kept, even when told to overwrite", "old_kept"),
    ("an existing file is not overwritten unasked", "refuses"),
    ("output is the input: the input is kept", "in_is_out"),
    ("output is a symbolic link: not followed", "symlink"),
    ("disk full: nothing left", "disk_full"),
    ("mode 0600 under umask 022", "mode"),
    ("closed pipe: exit status is not 0", "closed_pipe"),
    ("synced to disk before success", "fsync"),
    ("the name appears when the file is complete", "atomic"),
    ("SIGTERM half way: nothing left", "sigterm"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--unreel", default="target/release/unreel", metavar="PATH")
    parser.add_argument("--size", type=int, default=8 << 20, metavar="BYTES", help="of the plaintext")
    args = parser.parse_args()
    Unreel.binary = Path(args.unreel).resolve()
    plain = wav(args.size)
    tools, rows, scores = [], [[name] for name, _ in CHECKS], []
    with tempfile.TemporaryDirectory() as temporary:
        for kind, program in ((Unreel, args.unreel), (Age, "age"), (Gpg, "gpg"), (Cms, "openssl"), (Enc, "openssl")):
            if not shutil.which(program):
                print(f"{kind.name} is not installed: left out", file=sys.stderr)
                continue
            folder = Path(temporary) / kind.__name__
            folder.mkdir()
            tool = kind(folder, plain)
            checks = Checks(tool, plain, folder)
            tools.append(tool.version())
            passed = run_count = 0
            for row, (_, check) in zip(rows, CHECKS):
                good, seen = getattr(checks, check)()
                row.append(f"not run: {seen}" if good is None else f"{'**yes**' if good else 'no'}: {seen}")
                run_count += good is not None
                passed += bool(good)
            scores.append((passed, run_count))
        run("gpgconf", "--homedir", Path(temporary) / "Gpg/home", "--kill", "all") if shutil.which("gpgconf") else None
        run("gpgconf", "--homedir", Path(temporary) / "Gpg/other", "--kill", "all") if shutil.which("gpgconf") else None
    print("| | " + " | ".join(tools) + " |")
    print("| --- |" + " --- |" * len(tools))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print("| **score** | " + " | ".join(f"**{passed} of {count}**" for passed, count in scores) + " |")
    return scores[0][0] != len(CHECKS)


if __name__ == "__main__":
    sys.exit(main())
