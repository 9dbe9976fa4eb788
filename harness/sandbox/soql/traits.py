"""What may be done with a field in a query, by its type: as describes of real orgs say."""

from __future__ import annotations

from harness.sandbox.describing.traits import can_be_grouped, is_bit
from harness.sandbox.schema import Field

NUMBERS = frozenset({"int", "double", "currency", "percent"})
IDS = frozenset({"id", "reference"})
DATES = frozenset({"date", "datetime"})
COMPOUNDS = frozenset({"address", "location"})

_SHAPELESS = COMPOUNDS | {"base64", "encryptedstring", "anyType"}
_LONGEST_KEY = 255


def is_long_text(field: Field) -> bool:
    """A long or rich text area, which is kept apart from its row."""
    return field.type == "textarea" and field.length > _LONGEST_KEY and not field.filterable


def groupable(field: Field) -> bool:
    """Whether GROUP BY takes the field as it is: as its describe says."""
    return can_be_grouped(field)


def sortable(field: Field) -> bool:
    """Whether ORDER BY takes the field."""
    return field.type not in _SHAPELESS | {"multipicklist"} and not is_long_text(field) and not is_bit(field)


def aggregates(field: Field, function: str) -> bool:
    """Whether an aggregate function, in lower case, takes the field (SOQL reference, "Aggregate Functions")."""
    if field.type in _SHAPELESS | {"boolean", "multipicklist"} or is_long_text(field):
        return False
    return function not in ("sum", "avg") or field.type in NUMBERS
