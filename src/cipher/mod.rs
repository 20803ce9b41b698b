//! The shared AES core: streaming CBC and GCM. Knows no provider and opens no file.
