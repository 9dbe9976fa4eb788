"""Measure ours against named rivals in the same run; print a table and write bench.json."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench import org, rehearsal, replay, rows, startup, throughput  # noqa: E402
from tests.bench.result import Result  # noqa: E402


def main() -> None:
    results: list[Result] = []
    for module in (startup, rows, replay, rehearsal, throughput, org):
        print(f"measuring {module.__name__.rpartition('.')[2]} ...", file=sys.stderr, flush=True)
        results += module.measure()
    width = max(len(result.name) for result in results)
    print(f"{'':{width}}  {'ours':>10}  {'rival':>10}  {'ratio':>8}")
    for one in results:
        print(f"{one.name:{width}}  {one.ours:10.3f}  {one.rival:10.3f}  {one.ratio:7.1f}x  {one.unit}")
    (ROOT / "bench.json").write_text(json.dumps([one.as_dict() for one in results], indent=2) + "\n")


if __name__ == "__main__":
    main()
