"""The journal as a file: records in a chain, a head beside it, and every damage told from a shorter history."""
