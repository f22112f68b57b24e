"""Every picture of a folder becomes a terrain or an honest refusal: a table, a JSON file and a contact sheet.

    python -m benchmarks.photos [FOLDER] --out DIR [--resolution 1024] [--only NAME ...]

The contact sheet shows each photograph beside the terrain rendered from the matched camera. Pictures come from
`../shared/data/photos/photo` unless a folder is given; the sheet stays in DIR, it holds other people's photographs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from backend import pipeline, preview
from backend.camera import Camera
from backend.contract.errors import TerrainError
from backend.contract.settings import TerrainSettings
from backend.terrain import Grid, Terrain

DEFAULT_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "photos" / "photo"
SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}
TILE_PX = (480, 320)
TARGETS = {"skyline_error_px": 3.0, "ove_m": 0.5, "mdd_m": 0.05, "visible_error_share_of_relief": 0.01}
"""Upper limits; the skyline's is for the median over all pictures, the others for each picture."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Run every picture of a folder and report.")
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--resolution", type=int, default=1024)
    parser.add_argument("--only", nargs="*", default=[], help="file stems")
    arguments = parser.parse_args()
    pictures = [p for p in sorted(arguments.folder.iterdir())
                if p.suffix.lower() in SUFFIXES and not p.stem.endswith(("_skymask", "_footprints"))
                and (not arguments.only or p.stem in arguments.only)]
    if not pictures:
        print(f"There is no picture in {arguments.folder}.", file=sys.stderr)
        return 2
    settings = TerrainSettings(resolution=arguments.resolution)
    print(f"{'picture':<28} {'s':>5} {'skyline px':>10} {'OVE m':>7} {'MDD m':>7} {'visible %':>9} {'relief m':>8} "
          f"{'pitch':>6} {'fov':>5} {'dx m':>5}")
    rows = [run_one(picture, arguments.out / picture.stem, settings) for picture in pictures]
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "photos.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    contact_sheet(rows, arguments.out).save(arguments.out / "contact_sheet.png")
    summarize(rows)
    print(arguments.out / "contact_sheet.png")
    return 1 if any(row["outcome"] == "crash" for row in rows) else 0


def run_one(picture: Path, out: Path, settings: TerrainSettings) -> dict:
    """Run one picture and print its row. A refusal or a crash is a row as well."""
    begun = time.monotonic()
    try:
        report = pipeline.generate(pipeline.Job(picture, out, settings)).report
    except TerrainError as problem:
        outcome = "crash" if problem.code == "internal" else "refused"
        print(f"{picture.stem:<28} {outcome}: {problem}", flush=True)
        return {"picture": str(picture), "outcome": outcome, "text": str(problem)}
    m, camera = report["metrics"], report["camera"]
    skyline = "none" if m["skyline_error_px"] is None else f"{m['skyline_error_px']:.1f}"
    seconds = time.monotonic() - begun
    print(f"{picture.stem:<28} {seconds:5.0f} {skyline:>10} {m['ove_m']:7.3f} {m['mdd_m']:7.3f} "
          f"{100 * m['visible_error_share_of_relief']:9.2f} {report['prior']['elevation_range_m']:8.0f} "
          f"{camera['pitch_deg']:6.1f} {camera['fov_x_deg']:5.1f} {report['terrain']['dx_m']:5g}", flush=True)
    return {"picture": str(picture), "outcome": "terrain", "folder": str(out), "seconds": seconds, "report": report}


def summarize(rows: list[dict]) -> None:
    """Print how many became terrains and how the metrics stand beside their targets."""
    counts = {kind: sum(row["outcome"] == kind for row in rows) for kind in ("terrain", "refused", "crash")}
    print(", ".join(f"{number} {kind}" for kind, number in counts.items()))
    for name, limit in TARGETS.items():
        values = [row["report"]["metrics"][name] for row in rows if row["outcome"] == "terrain"]
        values = [value for value in values if value is not None]
        if values:
            within = sum(value <= limit for value in values)
            print(f"{name}: median {statistics.median(values):.4g}, worst {max(values):.4g}, "
                  f"{within} of {len(values)} within {limit:g}")


def contact_sheet(rows: list[dict], out: Path) -> Image.Image:
    """Photograph and matched render of every picture side by side, two pairs a line, captions below."""
    width, height = TILE_PX
    per_line, caption = 2, 22
    lines = -(-len(rows) // per_line)
    sheet = Image.new("RGB", (per_line * 2 * width, lines * (height + caption)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        x, y = number % per_line * 2 * width, number // per_line * (height + caption)
        with Image.open(row["picture"]) as photo:
            sheet.paste(fitted(photo.convert("RGB")), (x, y))
        text = Path(row["picture"]).stem
        if row["outcome"] == "terrain":
            sheet.paste(fitted(matched_render(row)), (x + width, y))
            skyline = row["report"]["metrics"]["skyline_error_px"]
            text += "" if skyline is None else f"   skyline {skyline:.1f} px"
        else:
            text += f"   {row['text']}"
        draw.text((x + 6, y + height + 4), text, fill="black")
    return sheet


def matched_render(row: dict) -> Image.Image:
    """The terrain from the matched camera, drawn again from the files a user gets."""
    camera, grid = row["report"]["camera"], row["report"]["terrain"]
    heights = np.load(Path(row["folder"]) / "terrain.npy")
    terrain = Terrain(Grid(grid["rows"], grid["cols"], grid["dx_m"], tuple(grid["origin_m"])), heights)
    fov, pitch, roll = (float(np.radians(camera[name])) for name in ("fov_x_deg", "pitch_deg", "roll_deg"))
    view = Camera(camera["width"], camera["height"], fov, pitch, roll, tuple(camera["position_m"]))
    light = preview.sunlight(terrain, preview.SUN_AZIMUTH, with_shadows=True)
    return preview.matched_view(terrain, view, light, round(preview.PANEL_WIDTH * view.height / view.width))


def fitted(picture: Image.Image) -> Image.Image:
    """The picture scaled into a tile with gray margins."""
    tile = Image.new("RGB", TILE_PX, (120, 120, 120))
    picture.thumbnail(TILE_PX)
    tile.paste(picture, ((TILE_PX[0] - picture.width) // 2, (TILE_PX[1] - picture.height) // 2))
    return tile


if __name__ == "__main__":
    sys.exit(main())
