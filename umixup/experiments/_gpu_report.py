"""The report of a GPU check, in Markdown, from what its parts have found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from umixup.experiments._console import duration


def written(parts: dict[str, dict[str, Any]], table: int) -> str:
    """The report; parts that are missing are named so."""
    text = ["# umixup on a GPU"]
    for name, (title, write) in _PARTS.items():
        text.append(f"## {title}")
        found = parts.get(name)
        if found is None:
            text.append("Not reached yet: the same call goes on.")
        elif "error" in found:
            text.append(f"Failed: `{found['error']}`")
        elif "left_out" in found:
            text.append(f"Left out: {found['left_out']}")
        else:
            text.append(write(found))
    return "\n\n".join(text).replace("{table}", str(table)) + "\n"


def _machine(found: dict[str, Any]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in found.items() if name != "took")


def _tests(found: dict[str, Any]) -> str:
    verdict = "All passed." if found["status"] == 0 else f"Exit status {found['status']}."
    return f"{verdict}\n\n```\n{found['output'].strip()}\n```"


def _step(found: dict[str, Any]) -> str:
    return (
        f"- a step: {1e3 * found['step']:.2f} ms, in {found['precision']}, "
        f"compiled by {found['compiled']}\n"
        f"- {found['rate'] / 1e12:.2f} TFLOP/s, {100 * found['share']:.0f} % of the rate of a "
        f"large product ({found['product_rate'] / 1e12:.1f} TFLOP/s)\n"
        f"- until the first steps were done: {found['start']:.1f} s\n"
        f"- a test: {found['test']:.2f} s\n"
        f"- a whole run, without its start: {found['total']:.0f} s\n\n"
        f"Twenty steps:\n\n```\n{found['profile'].strip()}\n```"
    )


def _together(found: dict[str, Any]) -> str:
    return (
        f"One process does {found['alone']:.1f} steps a second, {found['number']} at once do "
        f"{found['shared']:.1f} together: {found['gain']:.2f} times as many. "
        + (
            f"So give a sweep `--workers {found['number']}`."
            if found["gain"] > 1.1
            else "So one worker a card is enough."
        )
    )


def _costs(found: dict[str, Any]) -> str:
    lines = [
        "| table | a run | runs | all of them, one after the other |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {name} | {one['run']:.0f} s | {one['runs']} | {duration(3600 * one['hours'])} |"
        for name, one in found.items()
        if name != "took"
    ]
    return "\n".join(lines)


def _runs(found: dict[str, Any]) -> str:
    if "failed" in found:
        return f"A run failed: `{found['failed']}`"
    done = found["seconds"]
    text = f"{len(done)} runs done this time, {found['recorded']} of {found['wanted']} recorded."
    if done:
        text += f" They took {min(done):.0f} to {max(done):.0f} s each."
    return text if found["table"] is None else f"{text}\n\n```\n{found['table']}\n```"


_PARTS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "machine": ("The machine", _machine),
    "tests": ("The tests that need a GPU", _tests),
    "step": ("A step of table {table}'s recipe", _step),
    "together": ("Several runs at once", _together),
    "costs": ("What the tables would cost", _costs),
    "runs": ("Runs of table {table}", _runs),
}
