"""Helpers that several kinds of tests share stand beside this file and are imported by their names."""
