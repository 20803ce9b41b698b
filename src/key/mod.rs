//! Private keys: files, passphrases, the key ring, unwrapping, generation.
