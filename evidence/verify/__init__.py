"""Bytes in, verdict out: what stands, what fails, what could not be checked."""
