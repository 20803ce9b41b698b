"""Makes recordings as the providers do, with Python's cryptography.

Each line of standard input: SCHEME PUBLIC_KEY PLAINTEXT PREFIX. Writes PREFIX.enc, the wrapped
key in base64 to PREFIX.wrapped, and the IV to PREFIX.iv where it is not wrapped with the key.
"""

import base64
import os
import pathlib
import sys

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7


def oaep(digest):
    return padding.OAEP(padding.MGF1(digest), digest, None)


def cbc(key, iv, plaintext):
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plaintext) + encryptor.finalize()


def pkcs7(plaintext):
    padder = PKCS7(128).padder()
    return padder.update(plaintext) + padder.finalize()


for line in sys.stdin:
    scheme, public, plaintext, prefix = line.split()
    public = serialization.load_der_public_key(pathlib.Path(public).read_bytes())
    plaintext = pathlib.Path(plaintext).read_bytes()
    key, iv = os.urandom(32), os.urandom(12 if scheme == "twilio-voice" else 16)
    if scheme == "twilio-voice":
        wrapped = public.encrypt(key, oaep(hashes.SHA256()))
        media = AESGCM(key).encrypt(iv, plaintext, None)
    elif scheme == "twilio-video":
        wrapped = public.encrypt(key, padding.PKCS1v15())
        media = cbc(key, iv, pkcs7(plaintext))
    else:
        wrapped = public.encrypt(b"\1\1\1" + key + iv, oaep(hashes.SHA1()))
        media = cbc(key, iv, plaintext if scheme == "vonage-nopad" else pkcs7(plaintext))
    pathlib.Path(prefix + ".enc").write_bytes(media)
    pathlib.Path(prefix + ".wrapped").write_bytes(base64.b64encode(wrapped))
    if not scheme.startswith("vonage"):
        pathlib.Path(prefix + ".iv").write_bytes(base64.b64encode(iv))
