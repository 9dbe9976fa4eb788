"""What a simulated org can be made to do, and no real one: turn its clock, fail, meet another admin, show its state."""

from __future__ import annotations

from harness.sandbox.control.interface import PREFIX, control_routes
from harness.sandbox.control.interference import Interference, Trouble

__all__ = ["PREFIX", "Interference", "Trouble", "control_routes"]
