"""Small Salesforce DX projects, written where a test wants them."""

from __future__ import annotations

import json
from pathlib import Path

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
ADMIN_ONLY = """
users:
  - {username: admin@acme.example, name: Ada Admin, profile: System Administrator, as: admin}
"""


def write_project(directory: Path, files: dict[str, str], *, population: str | None = None) -> Path:
    """A project of files by their path under `force-app`, each `ROOT: the XML inside it`, and a population."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "sfdx-project.json").write_text(json.dumps({"packageDirectories": [{"path": "force-app"}]}))
    base = directory / "force-app"
    base.mkdir(exist_ok=True)
    for name, content in files.items():
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        root, _, inside = content.partition(":")
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{NAMESPACE}">{inside}</{root}>\n')
    if population is not None:
        (directory / "sandbox.yaml").write_text(population)
    return directory
