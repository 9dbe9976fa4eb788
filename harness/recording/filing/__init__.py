"""Cassette files: their two formats, read strictly and written at once."""
