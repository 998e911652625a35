"""Answers of the map as JSON fields."""

from collections.abc import Iterable

from kpatch_tools.app.hooks_map import FunctionReport, HookMap, SlotReport
from kpatch_tools.cli.hooks.fields import location_fields
from kpatch_tools.core.span import Location
from kpatch_tools.hooks.index.facts import At, Function, Unread
from kpatch_tools.hooks.index.query import Extent
from kpatch_tools.hooks.survey.atlas import (
    CallSite,
    Instance,
    Put,
    ReadSlot,
    Service,
    TableList,
    TableType,
    TypeReading,
    TypeSlot,
    Unresolved,
)


def map_fields(known: HookMap) -> dict[str, object]:
    return {"revision": known.revision.spelled, "commit": known.revision.oid, "scope": list(known.scope)}


def list_fields(found: TableList) -> dict[str, object]:
    return {"types": [type_fields(table) for table in found.tables]}


def type_fields(table: TableType) -> dict[str, object]:
    """`kind`: "own" (one variable is the table), "many" or "none"."""
    return {
        "type": table.type,
        **_place(table.location),
        "kind": table.kind.value,
        "slots": [_type_slot(slot) for slot in table.slots],
        "instances": [_instance(instance) for instance in table.instances],
    }


def reading_fields(reading: TypeReading) -> dict[str, object]:
    return {
        **type_fields(reading.table),
        "slots": [slot_fields(slot) for slot in reading.slots],
        **_limits(reading.unresolved, reading.unread),
    }


def story_fields(report: SlotReport) -> dict[str, object]:
    story = report.story
    return {
        "type": story.table.type,
        "variable": story.variable or None,
        "kind": story.table.kind.value,
        "instances": [_instance(instance) for instance in story.table.instances],
        "slot": slot_fields(story.slot),
        "definitions": [function_fields(one) for one in report.definitions],
        **_limits(story.unresolved, story.unread),
    }


def service_fields(report: FunctionReport) -> dict[str, object]:
    found = report.services
    return {
        "function": report.function,
        "definitions": [function_fields(one) for one in report.definitions],
        "services": [_service(service) for service in found.services],
        **_limits(found.unresolved, found.unread),
    }


def slot_fields(slot: ReadSlot) -> dict[str, object]:
    return {
        **_type_slot(slot.slot),
        "defaults": [_put(put) for put in slot.defaults],
        "overrides": [_put(put) for put in slot.overrides],
        "calls": [_call(call) for call in slot.calls],
    }


def function_fields(function: At[Function]) -> dict[str, object]:
    fact = function.fact
    return {
        "name": fact.name,
        "signature": fact.signature,
        "file": function.file,
        "line": fact.line,
        "private": fact.private,
        "section": fact.annotation or None,
    }


def extent_fields(extent: Extent) -> dict[str, object]:
    return {
        "files": extent.files,
        "bytes": extent.bytes,
        "unread_files": extent.unread_files,
        "unread_bytes": extent.unread_bytes,
    }


def _limits(unresolved: Iterable[Unresolved], unread: Iterable[At[Unread]]) -> dict[str, object]:
    return {
        "unresolved": [
            {"text": one.text, **location_fields(one.location), "ambiguous": one.ambiguous} for one in unresolved
        ],
        "not_understood": [
            {"file": one.file, "line": one.fact.first, "last": one.fact.last, "reason": one.fact.reason}
            for one in unread
        ],
    }


def _type_slot(slot: TypeSlot) -> dict[str, object]:
    return {"path": slot.path, "signature": slot.signature, **_place(slot.location)}


def _instance(instance: Instance) -> dict[str, object]:
    return {
        "name": instance.name,
        "member": instance.prefix or None,
        **location_fields(instance.location),
        "private": instance.private,
        "array": instance.array,
        "elements": instance.elements,
        "section": instance.annotation or None,
    }


def _put(put: Put) -> dict[str, object]:
    return {
        "function": put.value,
        "file": put.location.file,
        "line": put.location.line,
        "in": put.location.function,
        "variable": put.variable or None,
        "element": put.element,
        "conditional": put.conditional,
    }


def _call(call: CallSite) -> dict[str, object]:
    return {
        **location_fields(call.location),
        "variable": call.variable or None,
        "guarded": call.guarded,
        "arguments": call.arguments if call.arguments >= 0 else None,
        "macro": call.macro or None,
    }


def _service(service: Service) -> dict[str, object]:
    return {"type": service.type, "declared_in": service.file, "path": service.path, **_put(service.put)}


def _place(location: Location) -> dict[str, object]:
    return {"file": location.file, "line": location.line}
