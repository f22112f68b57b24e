"""Runs inside of a real Blender with a window: starts jobs, breaks them, and notes what is left (for test_breaks.py).

    blender -P break_in_window.py -- ROOT PYTHON PICTURE OUT NOTES HOW...

HOW: exception, window, load, disable, in any order; at last `quit` (Blender is closed in the middle of a job) or `wait` (it is
killed from outside).
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

import bpy

ROOT, PYTHON, PICTURE, OUT, NOTES, *WAYS = sys.argv[sys.argv.index("--") + 1:]

PATIENCE_S = 120

notes = {"ended": {}}


def note(**news):
    """Leave what is known so far, whole at any time."""
    notes.update(news)
    beside = Path(NOTES + ".part")
    beside.write_text(json.dumps(notes), encoding="utf-8")
    beside.replace(NOTES)


def modules():
    """The add-on's jobs and its big operator, with stages that take a minute."""
    bpy.ops.preferences.addon_enable(module="photo_to_terrain")
    from photo_to_terrain.addon import environment, jobs
    from photo_to_terrain.addon.operators import generate

    os.environ["PHOTO_TO_TERRAIN_PYTHON"] = PYTHON
    environment.ROOT = Path(ROOT)
    if not hasattr(jobs, "real"):
        jobs.real = jobs.BackendProcess
        jobs.BackendProcess = lambda python, root, log, _: jobs.real(
            python, root, log, ("--stages", "tests.backend.fake_stages:PATIENT"))
    return jobs, generate


def begin(window):
    """Press the button in a window."""
    ours = bpy.context.scene.photo_to_terrain
    ours.picture, ours.folder, ours.settings.resolution = PICTURE, OUT, 128
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    region = next(region for region in area.regions if region.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        assert bpy.ops.photo_to_terrain.generate() == {"RUNNING_MODAL"}


def has_draft():
    return any(c.name.startswith("Draft") for c in bpy.data.collections)


def state(jobs):
    """What is left of a job."""
    problem = jobs.last_problem
    return {"current": jobs.current() is not None, "draft": has_draft(), "problem": problem and [problem.text, problem.fix],
            "objects": len(bpy.data.objects)}


def story():
    """Yields a condition, and goes on when it holds."""
    for how in WAYS:
        yield from break_one(how)


def break_one(how):
    """One job and its end."""
    jobs, generate = modules()
    manager = bpy.context.window_manager
    window = manager.windows[0]
    if how == "window":
        with bpy.context.temp_override(window=window):
            bpy.ops.wm.window_new_main()
        window = manager.windows[-1]
        yield lambda: window.screen is not None
    before = 0 if how == "load" else len(bpy.data.objects)
    begin(window)
    yield lambda: jobs.current() and jobs.current().stage == "completed" and has_draft()
    process = jobs.backend()
    note(pid=process.pid, now=how)
    if how == "exception":
        real = generate.TerrainRun.show_news
        generate.TerrainRun.show_news = lambda self, context: 1 / 0
        yield lambda: jobs.current() is None
        generate.TerrainRun.show_news = real
    elif how == "window":
        with bpy.context.temp_override(window=window):
            bpy.ops.wm.window_close()
        yield lambda: jobs.current() is None
    elif how == "load":
        bpy.ops.wm.read_homefile(use_empty=True)
    elif how == "disable":
        bpy.ops.preferences.addon_disable(module="photo_to_terrain")
        yield lambda: not process.is_alive()
    elif how == "quit":
        bpy.ops.wm.quit_blender()
    yield lambda: how not in ("quit", "wait")    # one round of Blender's own loop, or the end
    notes["ended"][how] = {**state(jobs), "objects before": before, "alive": process.is_alive(), "pid": process.pid}
    note()


running = story()
condition = [lambda: True]
since = [time.monotonic()]


def step():
    """Blender calls this."""
    try:
        if condition[0]():
            condition[0] = next(running)
            since[0] = time.monotonic()
        elif time.monotonic() - since[0] > PATIENCE_S:
            raise TimeoutError(f"after {notes}")
    except StopIteration:
        os._exit(3)
    except BaseException:
        note(failed=traceback.format_exc())
        os._exit(4)
    return 0.1


bpy.app.timers.register(step, first_interval=1.0, persistent=True)
