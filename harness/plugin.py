"""The pytest plugin: hooks and nothing else.

It is imported in every pytest run of its environment, so it imports nothing heavy and does nothing until a scenario
file is collected.
"""

from __future__ import annotations

import argparse
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


_MODES = ("replay", "record", "off", "compare")
_UPDATE = "update"


def _cassettes(text: str) -> str:
    """A mode, or `update:STAGE`; argparse names the option where it is none."""
    if text in _MODES or text == _UPDATE or text.startswith(f"{_UPDATE}:"):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(_MODES)} and update STAGE")


def pytest_load_initial_conftests(args: list[str]) -> None:
    """Join the two words of `--cassettes update STAGE`: argparse would take the second one for a file."""
    for at in range(len(args) - 2, -1, -1):
        if args[at] == f"--cassettes={_UPDATE}":
            args[at : at + 2] = [f"{args[at]}:{args[at + 1]}"]
        elif args[at : at + 2] == ["--cassettes", _UPDATE] and at + 2 < len(args):
            args[at : at + 3] = [f"--cassettes={_UPDATE}:{args[at + 2]}"]


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
        type=_cassettes,
        default=None,
        metavar="MODE",
        help="replay recorded rehearsals without a network (default), record them, do without (off), record one stage "
        "again (update STAGE), or replay them and ask an org what they asked, and write nothing (compare)",
    )
    where("--cassette-folder", type=Path, metavar="DIR", help="where cassettes are; default: cassettes in the rootdir")
    for kind, what in _AGES.items():
        where(f"--cassette-{kind}-days", type=_days, metavar="N", help=f"{what}; 0: never; default: the ini setting")
        parser.addini(f"cassette_{kind}_days", f"{what}; 0: never", default="60" if kind == "warn" else "120")
    where(
        "--compare-fail-at",
        choices=("critical", "error", "warning", "information"),
        default="error",
        help="with --cassettes compare: from which tier on a difference is a failure; default: error",
    )
    where("--compare-json", type=Path, metavar="FILE", help="with --cassettes compare: write the differences to FILE")
    where("--report-folder", type=Path, metavar="DIR", help="where reports go; default: reports in the rootdir")
    where("--state-folder", type=Path, metavar="DIR", help="where journals go; default: .rehearse in the rootdir")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to touch an org, or to record, from several processes that share one migration."""
    spread = config.getoption("numprocesses", None) and config.getoption("dist", "no") not in ("loadgroup", "loadfile")
    org = config.getoption("--org") or config.getoption("--sandbox")
    touches = f"--org/--sandbox names {org}" if org and org != "simulated" else None
    mode = config.getoption("--cassettes") or ""
    if mode == "compare":
        touches = "--cassettes compare asks one org in one state"
    if mode == "record" or mode.startswith(_UPDATE):
        touches = f"--cassettes {mode.partition(':')[0]} writes cassettes"
    if mode in (_UPDATE, f"{_UPDATE}:"):
        raise pytest.UsageError("--cassettes update says not which stage: write --cassettes update STAGE")
    if mode.startswith(_UPDATE) and config.getoption("numprocesses", None):
        raise pytest.UsageError("--cassettes update shows what changes before it writes: leave out -n.")
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
    if rehearsals is not None and not rehearsals.finish():
        session.exitstatus = pytest.ExitCode.INTERNAL_ERROR


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
    names = ("sf_rehearsal", "sf_rehearsal_partial", "sf_rehearsal_bugs")
    if any(output.get(name) for name in names):
        rehearsals_of(node.config).receive(*(output.get(name, ()) for name in names))


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
