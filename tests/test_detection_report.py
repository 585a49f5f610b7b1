"""What an evaluation leaves: figures, numbers that JSON takes, a table."""

import json

from resnet_keras import plots
from resnet_keras.detection import evaluate_detections, report, settings
from tests.test_detection_evaluation import NAMES, A, B, C, found, pictures

KNOWN = pictures([(A, 0), (B, 0)], [(C, 0)], [])
FOUND = [found((A, 0, 0.9), (C, 1, 0.2)), found((C, 1, 0.7)), found((B, 0, 0.6))]
RESULT = evaluate_detections(KNOWN, FOUND, NAMES, threshold=0.5)


def test_numbers_are_json_and_name_what_is_not_known():
    found = report.as_metrics(KNOWN, RESULT, NAMES)
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert found["AP_per_class"]["dog"] is None
    assert found["num_objects_per_class"] == {"cat": 3, "dog": 0}
    assert (found["num_misses"], found["num_false_alarms"]) == (1, 2)
    assert found["num_pictures_without_objects"] == 1
    assert {"AP", "AP50", "AP75", "AP_small", "AR100"} <= found.keys()


def test_text_has_a_row_for_each_class():
    lines = report.as_text(KNOWN, RESULT, NAMES).splitlines()
    assert lines[0].split() == ["class", "AP", "AP50", "objects"]
    assert lines[2].split() == ["dog", "-", "-", "0"]
    assert "2 of 3 objects are found, 1 of them rightly named; 2 boxes" in lines[3]
    assert lines[4].startswith("AP 0.")


def test_figures_can_be_written_under_their_names(tmp_path):
    drawn = report.figures(KNOWN, FOUND, RESULT, NAMES)
    assert tuple(drawn) == settings.FIGURE_FILES
    for name, figure in drawn.items():
        plots.save(figure, tmp_path / name)
    # Of the first picture only the box above the threshold is shown.
    texts = [text.get_text() for text in drawn["detections.png"].axes[0].texts]
    assert texts == ["cat 0.90"]
