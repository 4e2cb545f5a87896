//! End to end: the real programs, a real TPM stack, loopback TLS.
