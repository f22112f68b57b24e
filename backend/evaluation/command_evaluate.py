"""`python -m backend evaluate [SUITE ...]`: how good the networks and the pipeline are, as numbers and pictures.

scene        the scene network and the pose search on rendered views of held-back regions
completion   the terrain network, guidance and polish on held-back terrain
end-to-end   the whole pipeline on rendered views whose camera, relief and depth are known
photos       the whole pipeline on real photographs and paintings, against marks made by hand
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence

from ..contract.errors import BadSettings
from .measures import SuiteResult, table, write_report
from .options import EvaluationOptions

SUITES = {"scene": "scene_suite", "completion": "completion_suite", "end-to-end": "end_to_end_suite", "photos": "photos_suite"}


def evaluate(suites: Sequence[str], options: EvaluationOptions) -> list[SuiteResult]:
    """Run the suites in order, print each table, write OUT/report.json, OUT/table.txt and the contact sheets.

    Raises BadSettings where the data of a suite is missing.
    """
    if not (options.library / "README.md").exists() and set(suites) - {"photos"}:
        raise BadSettings(f"There is no library of elevation models in {options.library}; name one with --library.")
    if "photos" in suites and not options.pictures.is_dir():
        raise BadSettings(f"There is no folder of test pictures at {options.pictures}; name one with --pictures.")
    options.out.mkdir(parents=True, exist_ok=True)
    results = []
    for name in suites:
        print(name, flush=True)
        run: Callable[[EvaluationOptions], SuiteResult] = importlib.import_module(f".{SUITES[name]}", __package__).run
        began = time.monotonic()
        result = run(options)
        result.seconds = time.monotonic() - began
        results.append(result)
        write_report(results, options.out)    # after each: hours of work are not lost to a late failure
        print(f"\n{name} ({result.seconds:.0f} s)\n{table(result.measures)}\n", flush=True)
    print(options.out / "report.json")
    return results
