"""Hook tables as JSON fields."""

from kpatch_tools.core.span import Location
from kpatch_tools.hooks import Coverage, HookTable, Reference, Slot


def table_fields(table: HookTable) -> dict[str, object]:
    return {
        "name": table.name,
        "type": table.type,
        "file": table.file,
        "line": table.line,
        "slots": [slot_fields(slot) for slot in table.slots],
    }


def slot_fields(slot: Slot) -> dict[str, object]:
    return {
        "path": slot.path,
        "signature": slot.signature,
        **location_fields(slot.location),
        "default": reference_fields(slot.default) if slot.default else None,
        "defaults": [reference_fields(one) for one in slot.defaults],
        "overrides": [reference_fields(one) for one in slot.overrides],
        "call_sites": [location_fields(one) for one in slot.call_sites],
        "guards": [location_fields(one) for one in slot.guards],
    }


def reference_fields(reference: Reference) -> dict[str, object]:
    """`function` is what fills the slot, `in` the function that puts it there (null in an initialiser)."""
    place = reference.location
    return {"function": reference.function, "file": place.file, "line": place.line, "in": place.function}


def location_fields(location: Location) -> dict[str, object]:
    return {"file": location.file, "line": location.line, "function": location.function}


def coverage_fields(coverage: Coverage) -> dict[str, object]:
    return {
        "files": coverage.files,
        "bytes": coverage.bytes,
        "searched_files": coverage.searched_files,
        "searched_bytes": coverage.searched_bytes,
        "not_understood": [
            {**location_fields(one.location), "reason": one.reason, "text": one.text} for one in coverage.not_understood
        ],
    }
