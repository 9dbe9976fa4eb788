"""Grants and denials put to the org, and the workload of the old user compared with that of the new one."""
