"""Cassettes: recording, redaction, exact replay through an index."""
