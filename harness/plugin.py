"""The pytest plugin: hooks and nothing else.

It is imported in every pytest run of its environment, so it imports nothing heavy and does nothing until a scenario
file is collected.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.collection import ScenarioPath
    from harness.terminal import Rehearsals

SUFFIX = ".scenario.yaml"
_STATE = pytest.StashKey["Rehearsals"]()


_AGES = {
    "warn": "warn of a recording of a live org that is so many days old",
    "max": "refuse to replay a recording of a live org that is so many days old",
}


def _days(text: str) -> int:
    """A number of days, 0 or more; argparse names the option where it is none."""
    if not text.isascii() or not text.isdigit():
        raise ValueError(text)
    return int(text)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("rehearse", "Salesforce migration rehearsals (*.scenario.yaml)")
    where = group.addoption
    where("--org", default=None, metavar="NAME", help="rehearse in this org of rehearse.toml; default: simulated")
    where("--sandbox", type=Path, metavar="READY", help="rehearse in the simulated sandbox that wrote this ready file")
    where(
        "--cassettes",
        choices=("replay", "record", "off"),
        default=None,
        help="replay recorded rehearsals without a network (default), record them, or do without (off)",
    )
    where("--cassette-folder", type=Path, metavar="DIR", help="where cassettes are; default: cassettes in the rootdir")
    for kind, what in _AGES.items():
        where(f"--cassette-{kind}-days", type=_days, metavar="N", help=f"{what}; 0: never; default: the ini setting")
        parser.addini(f"cassette_{kind}_days", f"{what}; 0: never", default="60" if kind == "warn" else "120")
    where("--report-folder", type=Path, metavar="DIR", help="where reports go; default: reports in the rootdir")
    where("--state-folder", type=Path, metavar="DIR", help="where journals go; default: .rehearse in the rootdir")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to touch an org, or to record, from several processes that share one migration."""
    spread = config.getoption("numprocesses", None) and config.getoption("dist", "no") not in ("loadgroup", "loadfile")
    org = config.getoption("--org") or config.getoption("--sandbox")
    touches = f"--org/--sandbox names {org}" if org and org != "simulated" else None
    if config.getoption("--cassettes") == "record":
        touches = "--cassettes record writes cassettes"
    if spread and touches:
        raise pytest.UsageError(
            f"-n spreads the stages of one migration over several processes, and {touches}: two of them would change "
            "the same user at once. Use -n N --dist loadgroup, or leave out -n."
        )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ScenarioPath | None:
    """Collect scenario files."""
    if not file_path.name.endswith(SUFFIX):
        return None
    from harness.collection import ScenarioPath

    path: ScenarioPath = ScenarioPath.from_parent(parent, path=file_path)
    return path


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse combinations of options that would do harm, before anything runs."""
    rehearsals = session.config.stash.get(_STATE, None)
    if rehearsals is not None:
        rehearsals.check_collection(session)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Close what is open and write the reports."""
    rehearsals = session.config.stash.get(_STATE, None)
    if rehearsals is not None:
        rehearsals.finish()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Leave each scenario to one worker under `--dist loadgroup`."""
    if config.getoption("dist") != "loadgroup":
        return None
    from harness.scheduling import ScenarioScheduling

    return ScenarioScheduling(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the evidence of a pytest-xdist worker that has finished."""
    output = getattr(node, "workeroutput", {})
    if output.get("sf_rehearsal"):
        rehearsals_of(node.config).receive(output["sf_rehearsal"], output["sf_rehearsal_partial"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what the verdicts are and where the reports."""
    rehearsals = config.stash.get(_STATE, None)
    if rehearsals is not None:
        rehearsals.summarize(terminalreporter)


def rehearsals_of(config: pytest.Config) -> Rehearsals:
    """The rehearsals of this pytest run, made when the first scenario file is collected."""
    if _STATE not in config.stash:
        from harness.terminal import Rehearsals

        config.stash[_STATE] = Rehearsals(config)
    return config.stash[_STATE]
