"""What two answers to one request mean, and how they differ: by access first, then rows, errors and texts."""

from harness.recording.meaning.answers import drifts, refusal_of
from harness.recording.meaning.model import Drift, People, Tier

__all__ = ["Drift", "People", "Tier", "drifts", "refusal_of"]
