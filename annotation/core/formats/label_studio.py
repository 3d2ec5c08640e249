"""JSON_MIN and CSV as Label Studio's own converter makes them of tasks with annotations (label_studio_sdk.converter 2.1.2), without it.

A task is a dict as Label Studio exports it: `id`, `data`, `annotations` with `result`, `completed_by`, `created_at`, `lead_time`.
Both formats have one record for each annotation, the newest of a task first, and one for a task without any.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from annotation.core.formats.rows import BOM
from annotation.core.label_studio import FROM_NAME, TAG_NAME
from annotation.core.panels import harmless

CONTROLS = {FROM_NAME: "Labels", TAG_NAME: "Choices"}
"""Controls of the labelling config by name; what has another name is left out, as by the converter."""

ALWAYS = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time")
Task = Mapping[str, Any]


def json_min(tasks: Iterable[Task], controls: Mapping[str, str] = CONTROLS) -> Iterator[dict[str, Any]]:
    """Records with the task's data, its regions under the control's name, and who annotated when."""
    for task in tasks:
        for annotation in _annotations(task):
            outputs = {name: _pretty(values) for name, values in _outputs(annotation, controls).items()}
            yield {**task["data"], "id": task["id"], **outputs, **_about(annotation, _whoever)}


def csv_min(tasks: Callable[[], Iterable[Task]], controls: Mapping[str, str] = CONTROLS) -> Iterator[str]:
    """The same as lines of a CSV; `tasks` is asked twice, first for the columns. A column of data named like a control becomes `_data_…`.

    Unlike the converter's, it begins with the mark that Excel knows UTF-8 by, and what a spreadsheet would take for a formula is disarmed.
    """
    inputs: set[str] = set()
    outputs: set[str] = set()
    for task in tasks():
        for annotation in _annotations(task):
            inputs.update(task["data"])
            outputs.update(_outputs(annotation, controls))
    both = inputs & outputs
    columns = sorted({*ALWAYS, "id", *outputs, *(f"_data_{name}" if name in both else name for name in inputs)})
    yield BOM + _line(columns)
    for task in tasks():
        data = {f"_data_{name}" if name in both else name: _cell(value) for name, value in task["data"].items()}
        for annotation in _annotations(task):
            said = {name: _said(_pretty(values)) for name, values in _outputs(annotation, controls).items()}
            record = {"id": task["id"], **said, **data, **_about(annotation, _as_text)}
            yield _line(record.get(name, "") for name in columns)


def _annotations(task: Task) -> list[Mapping[str, Any]]:
    """Those that were not cancelled, newest first; one that says nothing where the task has none at all."""
    if not task["annotations"]:
        return [{}]
    kept = [one for one in task["annotations"] if not (one.get("skipped") or one.get("was_cancelled"))]
    return sorted(kept, key=lambda one: str(one.get("created_at", "")), reverse=True)


def _outputs(annotation: Mapping[str, Any], controls: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for item in annotation.get("result") or []:
        if (name := item.get("from_name")) in controls:
            found.setdefault(name, []).append({**item["value"], "type": controls[name]})
    return found


def _pretty(values: Iterable[Mapping[str, Any]]) -> Any:
    """Regions as they are; a choice as its word, without a list around where there is only one."""
    out: list[Any] = []
    kind = ""
    for value in values:
        kind = value["type"]
        rest = {name: one for name, one in value.items() if name != "type"}
        out.append(rest["choices"][0] if kind == "Choices" and len(rest["choices"]) == 1 else rest)
    return out[0] if kind == "Choices" and len(out) == 1 else out


def _about(annotation: Mapping[str, Any], annotator: Callable[[Any], Any]) -> dict[str, Any]:
    return {
        "annotator": annotator(annotation.get("completed_by", {})),
        "annotation_id": annotation.get("id"),
        "created_at": annotation.get("created_at"),
        "updated_at": annotation.get("updated_at"),
        "lead_time": annotation.get("lead_time"),
    }


def _whoever(completed_by: Any) -> Any:
    return completed_by.get("email") if isinstance(completed_by, Mapping) else completed_by


def _as_text(completed_by: Any) -> Any:
    return _whoever(completed_by) if isinstance(completed_by, Mapping) else str(completed_by)


def _said(value: Any) -> str:
    return value if isinstance(value, str) else _compact(value)


def _cell(value: Any) -> Any:
    return _compact(value) if isinstance(value, dict | list) else value


def _compact(value: Any) -> str:
    """JSON as the converter's library writes it, which escapes slashes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")


def _line(cells: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_NONNUMERIC).writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()
