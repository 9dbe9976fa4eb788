"""The pytest plugin: hooks and nothing else."""
