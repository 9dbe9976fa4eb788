"""Sending what changes an org: intent before effect, behind the lock in the org, or waited out."""
