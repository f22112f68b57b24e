"""Tables, reports and what the command says where data is missing."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from backend.__main__ import main
from backend.evaluation import quality_page
from backend.evaluation.contact_sheet import contact_sheet
from backend.evaluation.marked_pictures import mask_scores
from backend.evaluation.measures import Measure, SuiteResult, table, write_report
from backend.scene import Segmentation


def test_targets_are_met_missed_or_absent():
    assert Measure("a", 1.0, ceiling=2.0).reached is True
    assert Measure("a", 3.0, ceiling=2.0).reached is False
    assert Measure("a", 3.0, floor=2.0).reached is True
    assert Measure("a", 3.0).reached is None
    assert Measure("a", float("nan"), ceiling=1.0).reached is None


def test_table_and_report_say_the_same(tmp_path):
    result = SuiteResult("scene", [Measure("pitch error", 2.5, "deg", ceiling=3.0, paper=7.18), Measure("nothing", float("nan"))])
    write_report([result], tmp_path)
    content = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["scene"]["measures"]
    assert content["pitch error"] == {"value": 2.5, "unit": "deg", "target": "<= 3", "reached": True, "paper": 7.18}
    assert content["nothing"]["value"] is None
    line = table(result.measures).splitlines()[1]
    assert "2.5 deg" in line and "7.18" in line and line.endswith("reached")


def test_scores_of_masks_that_are_a_few_pixels_off():
    marks = np.ones((100, 200), np.uint8)
    marks[:40] = 0
    marks[40:, :20] = 255
    sky = np.zeros((100, 200), bool)
    sky[:43] = True
    scores = mask_scores(marks, Segmentation(~sky, sky, np.zeros_like(sky), "test"))
    assert scores["skyline_px"] == pytest.approx(3 * 1000 / 200)
    assert scores["terrain_iou"] == pytest.approx(57 / 60)
    assert "foreground_iou" not in scores


def test_contact_sheet_holds_every_case():
    sheet = contact_sheet([("one", [np.zeros((10, 20), np.uint8)]), ("two", [Image.new("RGB", (30, 20), "red")])], 1, (40, 30))
    assert sheet.size == (52, 104)
    assert sheet.getpixel((20, 52 + 15)) == (255, 0, 0)


def test_missing_data_is_one_sentence(tmp_path, capsys):
    assert main(["evaluate", "scene", "--library", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 2
    assert "--library" in capsys.readouterr().err
    assert main(["evaluate", "photos", "--pictures", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 2
    assert "--pictures" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_page_takes_the_tables_of_a_report(tmp_path, monkeypatch, capsys):
    measures = [Measure("pitch error", 2.5, "deg", ceiling=3.0, paper=7.18), Measure("nothing", float("nan"))]
    write_report([SuiteResult("scene", measures)], tmp_path)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- scene -->\nold\n<!-- end of scene -->\nafter <!-- photos --> kept", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["quality_page", str(tmp_path / "report.json"), "--into", str(page)])
    assert quality_page.main() == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- scene -->\n| measure |") and text.endswith("after <!-- photos --> kept")
    assert "| pitch error | 2.5 deg | <= 3 | 7.18 | reached |" in text and "| nothing | - |" in text and "old" not in text
    page.write_text("no place", encoding="utf-8")
    assert quality_page.main() == 2 and page.read_text(encoding="utf-8") == "no place"


def test_the_page_lists_single_pictures():
    columns = (("picture", "picture", ""), ("moved", "seen ground moved", ".1%"), ("dx_m", "spacing m", "g"))
    rows = [{"picture": "one", "moved": 0.012, "dx_m": 8.0}, {"picture": "two", "dx_m": 2.0}, {"picture": "nothing made"}]
    lines = quality_page.row_table(rows, columns).splitlines()
    assert lines == ["| picture | seen ground moved | spacing m |", "| --- | --- | --- |", "| one | 1.2% | 8 |", "| two | - | 2 |"]
