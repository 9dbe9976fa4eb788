"""The `rehearse` command: arguments in, exit code out."""
