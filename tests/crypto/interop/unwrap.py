"""Random RSA ciphertexts, whole and damaged in every step of their padding, and what OpenSSL makes of them.

`unwrap.py COUNT` prints COUNT lines WRAP CIPHERTEXT ANSWER under each of its keys, which stands above them as
`key PKCS8`; all in base64. ANSWER is `=` and what OpenSSL decrypted, `refused`, or `unjudged` where it is older than
implicit rejection (3.2).
"""

import base64
import hashlib
import random
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

HASHES = {"rsa-oaep-sha256": (hashlib.sha256, hashes.SHA256()), "rsa-oaep-sha1": (hashlib.sha1, hashes.SHA1())}
random = random.SystemRandom()


def text(data):
    return base64.b64encode(data).decode()


def flipped(data):
    """With one bit changed."""
    data = bytearray(data)
    data[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(data)


def masked(digest, seed, data):
    """`data` xor MGF1 of `seed` (RFC 8017, B.2.1)."""
    blocks = (digest(seed + counter.to_bytes(4, "big")).digest() for counter in range(len(data)))
    mask = b""
    while len(mask) < len(data):
        mask += next(blocks)
    return bytes(a ^ b for a, b in zip(data, mask))


def first_octet(n, k):
    """One that is not 0, and leaves the number below the modulus."""
    top = n >> 8 * (k - 1)
    return random.randrange(1, top) if top > 1 else 0


def oaep(digest, n, k):
    """An encoded message (RFC 8017, 7.1.1), of which every step may be wrong."""
    size = digest().digest_size
    most = k - 2 * size - 2
    message = random.randbytes(random.choice([0, 1, min(32, most), most, random.randrange(most + 1)]))
    fill = bytes(most - len(message))
    label, first, separator, seed_digest = b"", 0, b"\1", digest
    damage = random.randrange(12)
    if damage == 0:
        label = b"\0"
    elif damage == 1:
        first = first_octet(n, k)
    elif damage == 2 and fill:
        fill = flipped(fill)
    elif damage == 3:
        separator = random.choice([b"\0", b"\2", b"\xff"])
    elif damage == 4:
        fill, separator, message = fill + bytes(len(message)), b"\0", b""
    elif damage == 5:
        seed_digest = random.choice([hashlib.sha1, hashlib.sha256])
    block = digest(label).digest() + fill + separator + message
    if damage == 6:
        block = flipped(block)
    seed = random.randbytes(size)
    block = masked(digest, seed, block)
    seed = masked(seed_digest, block, seed)
    return bytes([first]) + seed + block


def v1_5(n, k):
    """An encoded message (RFC 8017, 7.2.1), of which every step may be wrong."""
    message = random.randbytes(random.choice([0, 1, 32, k - 11, random.randrange(k - 10)]))
    fill = bytearray(random.randrange(1, 256) for _ in range(k - 3 - len(message)))
    first, kind, separator = 0, 2, b"\0"
    damage = random.randrange(12)
    if damage == 0:
        first = first_octet(n, k)
    elif damage == 1:
        kind = random.randrange(256)
    elif damage == 2:
        fill[random.randrange(len(fill))] = 0
    elif damage == 3:
        fill[random.randrange(8)] = 0
    elif damage == 4:
        separator, message = b"\1", message.replace(b"\0", b"\1")
    return bytes([first, kind]) + fill + separator + message


def ciphertext(encoded, n, e, k):
    """Mostly of the encoded message; else no number, or another one."""
    number = pow(int.from_bytes(encoded, "big"), e, n)
    damage = random.randrange(20)
    if damage == 0:
        return flipped(number.to_bytes(k, "big"))
    if damage == 1:
        number = random.choice([0, 1, n - 1, n, n + 1, 256**k - 1, random.randrange(n)])
    elif damage == 2:
        number, k = random.choice([(number, k + 1), (number >> 8, k - 1), (0, 0)])
    return number.to_bytes(k, "big")


def answer(key, wrap, data):
    scheme = padding.PKCS1v15()
    if wrap in HASHES:
        digest = HASHES[wrap][1]
        scheme = padding.OAEP(padding.MGF1(digest), digest, None)
    try:
        return "=" + text(key.decrypt(data, scheme))
    except ValueError:
        return "refused"


def main():
    for bits in [1024, 1031, 2048]:
        key = rsa.generate_private_key(65537, bits)
        numbers = key.private_numbers()
        n, e = numbers.public_numbers.n, numbers.public_numbers.e
        k = (bits + 7) // 8
        der = key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        print("key", text(der))
        rejects_implicitly = answer(key, "rsa-pkcs1-v1_5", bytes(k)) != "refused"
        for _ in range(int(sys.argv[1])):
            wrap = random.choice([*HASHES, "rsa-pkcs1-v1_5"])
            encoded = oaep(HASHES[wrap][0], n, k) if wrap in HASHES else v1_5(n, k)
            data = ciphertext(encoded, n, e, k)
            result = answer(key, wrap, data)
            is_number = len(data) == k and int.from_bytes(data, "big") < n
            if result == "refused" and wrap not in HASHES and is_number and not rejects_implicitly:
                result = "unjudged"
            print(wrap, text(data) or "-", result)


main()
