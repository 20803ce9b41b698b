"""Streaming decryption with `cryptography`: decrypt.py gcm|cbc KEY IV IN OUT"""

import os
import sys

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CHUNK = 1 << 20

mode, key, iv, source, target = sys.argv[1:]
key, iv = bytes.fromhex(key), bytes.fromhex(iv)
left = os.path.getsize(source)
with open(source, "rb") as stream, open(target, "wb") as out:
    if mode == "gcm":
        left -= 16
        stream.seek(left)
        tag = stream.read(16)
        stream.seek(0)
        decryptor = Cipher(algorithms.AES(key), modes.GCM(iv, tag)).decryptor()
        unpadder = None
    else:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
        unpadder = padding.PKCS7(128).unpadder()
    while left:
        chunk = decryptor.update(stream.read(min(CHUNK, left)))
        left -= min(CHUNK, left)
        out.write(unpadder.update(chunk) if unpadder else chunk)
    rest = decryptor.finalize()
    out.write(unpadder.update(rest) + unpadder.finalize() if unpadder else rest)
