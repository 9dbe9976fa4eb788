"""Duplicate rules: which rows are like one that is to be saved, and the refusal that names them.

Simplified: a matching rule compares its fields for equality without regard to case, also where the platform would be
fuzzy; a rule looks at rows of its own object only; and nothing is kept of duplicates that were let through.
(Metadata API guide, DuplicateRule and MatchingRules; SOAP API guide, DuplicateResult; the shape in JSON is that of
reports of real orgs, whose misspelt key a switch can set right.)
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.errors import ApiError, Refusal
from harness.sandbox.schema import DuplicateRule, MatchingRule, SObject
from harness.sandbox.sharing.criteria import Joined, parse_filter
from harness.sandbox.store import Row, quote

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

HEADER = "sforce-duplicate-rule-header"


@dataclass(frozen=True, slots=True)
class DuplicateOptions:
    """What a request says about duplicates (REST guide, "Duplicate Rule Header")."""

    allow_save: bool = False
    """Save what a rule only warns of."""
    include_record_details: bool = False
    run_as_current_user: bool = False


_NO_OPTIONS = DuplicateOptions()


def read_header(text: str | None) -> DuplicateOptions:
    """The options in `allowSave=true; includeRecordDetails=true; runAsCurrentUser=true`, others left out."""
    if not text:
        return _NO_OPTIONS
    given = {}
    for part in text.replace(",", ";").split(";"):
        name, _, value = part.partition("=")
        given[name.strip().lower()] = value.strip().lower() == "true"
    return DuplicateOptions(
        allow_save=given.get("allowsave", False),
        include_record_details=given.get("includerecorddetails", False),
        run_as_current_user=given.get("runascurrentuser", False),
    )


class Duplicates:
    """The duplicate rules of one org at work."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org

    def check(self, sobject: SObject, row: Mapping[str, Any], access: EffectiveAccess, *, new: bool) -> None:
        """Refuse a row that is to be created, or as it is after changes. Raises ApiError DUPLICATES_DETECTED."""
        options = self._org.duplicate_options.get() or DuplicateOptions()
        for rule in self._org.schema.duplicate_rules.get(sobject.name.lower(), ()):
            action = rule.on_insert if new else rule.on_update
            if not rule.active or action is None or (action == "Allow" and options.allow_save):
                continue
            for matching in rule.matching:
                found = self._matches(sobject, row, matching)
                if rule.enforces_sharing or options.run_as_current_user:
                    found = [one for one in found if self._org.sharing.reaches(sobject, one, access, level="read")]
                if found:
                    matches = [self._match(sobject, one, options, access) for one in found]
                    raise self._refusal(
                        rule, _result(sobject, rule, matching, matches) | {"allowSave": action == "Allow"}
                    )

    def concerns(self, sobject: SObject, names: Iterable[str]) -> bool:
        """Whether a change of these fields can make a row a duplicate."""
        rules = self._org.schema.duplicate_rules.get(sobject.name.lower(), ())
        compared = {item.field for rule in rules for matching in rule.matching for item in matching.items}
        return not compared.isdisjoint(names)

    def _matches(self, sobject: SObject, row: Mapping[str, Any], matching: MatchingRule) -> list[str]:
        store = self._org.store
        store.ensure(sobject)
        parameters: dict[str, Any] = {"own": row.get("Id")}
        conditions = []
        for number, item in enumerate(matching.items, start=1):
            field = sobject.get(item.field)
            value = row.get(field.name) if field else None
            if field is None or (value is None and not item.match_blanks):
                conditions.append("0")
            elif value is None:
                conditions.append(f"{quote(field.name)} IS NULL")
            else:
                parameters[f"v{number}"] = value
                conditions.append(f"{quote(field.name)} = :v{number}")
        joined = _sql(parse_filter(matching.filter, len(conditions)), conditions)
        sql = f'SELECT "Id" FROM {quote(sobject.name)} WHERE "IsDeleted" = 0 AND "Id" IS NOT :own AND ({joined})'
        return sorted(found[0] for found in store.execute(sql, parameters))

    def _refusal(self, rule: DuplicateRule, result: Mapping[str, Any]) -> ApiError:
        error = ApiError(400, "DUPLICATES_DETECTED", rule.alert_text)
        key = self._org.switches.duplicate_result_key
        error.errors = [Refusal("DUPLICATES_DETECTED", rule.alert_text, None, {key: dict(result)})]
        return error

    def _match(
        self, sobject: SObject, record_id: str, options: DuplicateOptions, access: EffectiveAccess
    ) -> dict[str, Any]:
        record: dict[str, Any] = {
            "attributes": {
                "type": sobject.name,
                "url": f"/services/data/v{self._org.api_version.get()}/sobjects/{sobject.name}/{record_id}",
            },
            "Id": record_id,
        }
        if options.include_record_details:
            row: Row = self._org.store.get(sobject, record_id) or {}
            fields = [one for one in sobject.fields.values() if one.name in row and access.can_read_field(sobject, one)]
            record |= {one.name: row[one.name] for one in fields if row[one.name] is not None}
        return {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0, "record": record}


def _result(
    sobject: SObject, rule: DuplicateRule, matching: MatchingRule, matches: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "allowSave": False,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": sobject.name,
        "errorMessage": rule.alert_text,
        "matchResults": [
            {
                "entityType": sobject.name,
                "errors": [],
                "matchEngine": "FuzzyMatchEngine" if matching.standard else "ExactMatchEngine",
                "matchRecords": matches,
                "rule": matching.name,
                "size": len(matches),
                "success": True,
            }
        ],
    }


def _sql(joined: Joined, conditions: list[str]) -> str:
    if isinstance(joined, int):
        return conditions[joined - 1]
    word, parts = joined
    inner = [_sql(part, conditions) for part in parts]
    if word == "NOT":
        return f"NOT ({inner[0]})"
    return "(" + f" {word} ".join(inner) + ")" if inner else "0"
