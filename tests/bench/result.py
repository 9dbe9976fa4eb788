"""One measured figure beside its rival's."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Result:
    """`ours` and `rival` in `unit`; a ratio above 1 means that ours is that many times cheaper."""

    name: str
    ours: float
    rival: float
    unit: str

    @property
    def ratio(self) -> float:
        return self.rival / self.ours

    def as_dict(self) -> dict[str, str | float]:
        return {**asdict(self), "ratio": self.ratio}
