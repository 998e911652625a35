"""A run of the model as JSON: the fields that every `kpt model` command prints alike."""

from kpatch_tools.model import Fault, ModelRun


def run_fields(run: ModelRun) -> dict[str, object]:
    """Addresses are pseudo-physical bytes and frame numbers, as hexadecimal strings; `fault` is null for none."""
    fault = run.fault
    return {
        "layout": run.layout.name,
        "verdict": run.verdict.value,
        "reason": run.reason,
        "fault": None if fault is None else fault_fields(fault),
        "tables": [
            {
                "start": f"{one.start:#x}",
                "end": f"{one.end:#x}",
                "top": f"{one.top:#x}",
                "mapping": [f"{one.mapping_start:#x}", f"{one.mapping_end:#x}"],
            }
            for one in run.tables
        ],
        "rw_ranges": [{"start": f"{start:#x}", "end": f"{end:#x}"} for start, end in run.rw_ranges],
        "free_read_only": [f"{pfn:#x}" for pfn in run.free_read_only],
        "reserved": [{"start": f"{start:#x}", "end": f"{end:#x}"} for start, end in run.reserved],
        "platform": run.platform,
        "profile": run.profile,
        "unknown_symbols": [
            {"symbol": one.symbol, "function": one.function, "file": one.file, "line": one.line}
            for one in run.unknown_symbols
        ],
    }


def fault_fields(fault: Fault) -> dict[str, object]:
    """`chain` begins with the innermost call; what the fault does not have is null or empty."""
    return {
        "kind": fault.kind,
        "message": fault.message,
        "stage": fault.stage,
        "refusals": list(fault.refusals),
        "pfn": None if fault.pfn is None else f"{fault.pfn:#x}",
        "va": None if fault.va is None else f"{fault.va:#x}",
        "frame": fault.frame,
        "mappings": [str(mapping) for mapping in fault.mappings],
        "chain": [{"function": call.function, "file": call.file, "line": call.line} for call in fault.chain],
    }
