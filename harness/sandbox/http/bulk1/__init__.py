"""Bulk API 1.0 below `/services/async/XX.X`: jobs of batches in CSV, XML and JSON, plain or in a zip with files.

Bulk API 2.0 and Bulk API Developer Guide, part "Bulk API"; shapes, whitespace and key order as recordings show them.
"""
