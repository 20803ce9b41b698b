//! What the plaintext is: container, codec, channels, duration.
