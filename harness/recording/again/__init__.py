"""Asking a recorded request again of a living org: which may be asked, with which ids, and whose answer it was."""
