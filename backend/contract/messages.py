"""The wire between the add-on and the backend: one JSON object a line, over the child's own stdin and stdout.

Every message has `v` (the protocol's version), `kind`, and `job` where it belongs to one. Arrays never travel here:
they are .npy files in the job's folder, named by the messages. Standard library only; both sides import this file.

    add-on -> backend
        generate   job, image, folder, settings {...}, keep_stages, redo_from (a stage's name: compute from there on,
                   whatever the cache has; empty or missing: nothing)
        segment    job, image, folder     the masks alone; answered like a job, its `result` has the files labels (.npy, uint8
                   of contract/masks.py) and picture (.jpg, upright, as large), its report shares and warnings
        cancel     job                    a job that is over or unknown: no answer
        shadow     ask, heights (.npy, float32), dx_m, azimuth_deg (of the sun, clockwise from +y), elevation_deg, step
                   answered beside any running job; of several that wait only the last one is
        analyze    ask, heights (.npy, float32), dx_m      slope and flow of these heights, beside any running job
        bye                               finish now; closing stdin does the same
    backend -> add-on
        ready      backend, device, threads, memory_gb, free_memory_gb, python    the first line, within about a second
        progress   job, plan [{name, label, share}]                               first answer to `generate`
        progress   job, stage, label, fraction (of the whole job), stage_fraction, text, seconds,
                   remaining_s (null: not known yet)
        preview    job, stage, heights (.npy; NaN = not known yet), rows, cols, dx_m, origin_m, camera {...};
                   where all heights are known also evidence (.npy, uint8) and report {...} (`unfinished`, `stage`)
        result     job, files {name: path}, report {...} (the content of report.json), seconds
        cancelled  job                    within a second of `cancel`
        shadow     ask, rows, cols (of every `step`th cell), bits (base64 of zlib of np.packbits, 1 = in shadow), seconds
        shadow     ask, text (one sentence)   it cannot be told
        analysis   ask, layers (.npy of backend/surface/analysis.py) or text (one sentence): it cannot be told
        error      job (null: no job concerned), code, text (one sentence), fix (or null), log (path or null)
        bye        the last line
"""

from __future__ import annotations

import json
from typing import Any

from .errors import TerrainError
from .settings import TerrainSettings
from .version import PROTOCOL, VERSION

KINDS_TO_BACKEND = ("generate", "segment", "cancel", "shadow", "analyze", "bye")
KINDS_TO_ADDON = ("ready", "progress", "preview", "result", "cancelled", "shadow", "analysis", "error", "bye")

MAX_LINE_BYTES = 1 << 20
"""Longer lines are refused: no message comes near it, and a reader must not fill the memory."""

Message = dict[str, Any]


class BadMessage(TerrainError):
    """A line that is no message of ours."""

    code = "bad_message"


class WrongProtocol(TerrainError):
    """The other side speaks another version; both must be updated together."""

    code, fix = "wrong_protocol", "update"


def encode(message: Message) -> bytes:
    """One line of UTF-8 with its newline. Raises ValueError for numbers JSON does not know (NaN, infinity)."""
    return (json.dumps(message, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n").encode()


def decode(line: bytes, kinds: tuple[str, ...] = KINDS_TO_ADDON) -> Message:
    """The message in one line. `kinds` are those the reader expects.

    Raises BadMessage for anything but an object with a known `kind`, WrongProtocol for another `v`.
    """
    if len(line) > MAX_LINE_BYTES:
        raise BadMessage(f"A message of {len(line)} bytes is longer than any of ours.")
    try:
        message = json.loads(line.decode())
    except (ValueError, RecursionError) as problem:
        raise BadMessage("A line is not JSON.") from problem
    if not isinstance(message, dict):
        raise BadMessage("A message must be a JSON object.")
    if message.get("v") != PROTOCOL:
        raise WrongProtocol(
            f"The add-on and the backend are of different versions (protocol {message.get('v')!r} and {PROTOCOL}); "
            "update both."
        )
    if message.get("kind") not in kinds:
        raise BadMessage(f"There is no message of kind {message.get('kind')!r}.")
    return message


def make(kind: str, job: int | None = None, **fields: Any) -> Message:
    """A message of this `kind`; the named functions below are the ones to use where there is one."""
    head: Message = {"v": PROTOCOL, "kind": kind}
    if job is not None:
        head["job"] = job
    return head | fields


def generate(job: int, image: str, folder: str, settings: TerrainSettings, keep_stages: bool = False) -> Message:
    """Ask for a terrain from `image`; results and cache go to `folder`."""
    return make("generate", job, image=image, folder=folder, settings=settings.to_dict(), keep_stages=keep_stages)


def segment(job: int, image: str, folder: str) -> Message:
    """Ask for the masks of `image`; the cache in `folder` is that of its terrains."""
    return make("segment", job, image=image, folder=folder)


def cancel(job: int) -> Message:
    """Ask to stop a job."""
    return make("cancel", job)


def shadow(ask: int, heights: str, dx_m: float, azimuth_deg: float, elevation_deg: float, step: int = 1) -> Message:
    """Ask which cells lie in shadow. heights: path of an .npy file."""
    return make("shadow", ask=ask, heights=heights, dx_m=dx_m, azimuth_deg=azimuth_deg, elevation_deg=elevation_deg, step=step)


def analyze(ask: int, heights: str, dx_m: float) -> Message:
    """Ask for slope and flow. heights: path of an .npy file; the answer's file lies beside it."""
    return make("analyze", ask=ask, heights=heights, dx_m=dx_m)


def bye() -> Message:
    """Say that this side is done."""
    return make("bye")


def ready(device: str, threads: int, memory_gb: float, free_memory_gb: float, python: str) -> Message:
    """Say that the backend listens, and what it runs on."""
    return make("ready", backend=VERSION, device=device, threads=threads, memory_gb=memory_gb,
                free_memory_gb=free_memory_gb, python=python)


def error(job: int | None, problem: TerrainError, log: str | None = None) -> Message:
    """Say what went wrong; `job` None when it concerns no job."""
    return make("error", code=problem.code, text=str(problem), fix=problem.fix, log=log) | {"job": job}
