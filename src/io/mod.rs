//! Sources and sinks: files, stdin, stdout, unnamed temporary files.
