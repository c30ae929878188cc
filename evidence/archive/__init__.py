"""Rows and originals of the store: keys, payloads, reading back what was sealed."""
