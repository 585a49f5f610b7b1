"""The notebooks run from top to bottom, and their outputs are stored."""

import re
from pathlib import Path
from typing import NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


class Expected(NamedTuple):
    """What a notebook shows and leaves."""

    num_figures: int
    stored: str  # printed in the full setting only
    printed: tuple  # in each setting
    files: tuple  # that a run leaves


EXPECTED = {
    "resnet50_walkthrough": Expected(
        num_figures=7,
        stored="56 layers: the gradient",
        printed=(
            "177 layers, 23,600,006 parameters",
            "224 -> 112 -> 56 -> 56 -> 28 -> 14 -> 7",
        ),
        files=("model.h5",),
    ),
    "detection_walkthrough": Expected(
        num_figures=15,
        stored="accuracy on 200 test pictures",
        printed=(
            "detector   (96, 96, 3) -> (12, 12, 10)",
            "C4: a cell sees 211 pixels, stride 16",  # 99 + 16 + 3 * 32 of them
            "apart        IoU 0.0000  GIoU -0.3824",  # -(34 - 21) / 34
        ),
        files=("classifier.h5", "detector/model.h5"),
    ),
}


@pytest.fixture(scope="module", params=EXPECTED)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def notebook(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(notebook):
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return "".join(output.get("text", "") for output in outputs)


def test_no_notebook_is_forgotten():
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(EXPECTED)


def test_outputs_are_committed_in_order_without_errors(name, notebook):
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < 10e6
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert all(output.output_type != "error" for output in outputs)
    assert not any(output.get("name") == "stderr" for output in outputs)
    figures = sum("image/png" in output.get("data", {}) for output in outputs)
    assert figures == EXPECTED[name].num_figures
    text = printed(notebook)
    # The full setting, not the quick one; no progress bar's steps backwards, no paths
    assert EXPECTED[name].stored in text
    assert "\b" not in text
    assert "\r" not in text
    assert not re.search(r"(?<!\w)/(home|root|tmp|Users|work)/", text)


# Jupyter's client leaves sockets and event loops for the interpreter to close.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter_client|zmq|tornado)")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_cell_runs_in_the_quick_setting(name, notebook, tmp_path, monkeypatch):
    if name == "detection_walkthrough":
        pytest.importorskip("pycocotools")
    monkeypatch.setenv("RESNET_KERAS_QUICK", "1")
    monkeypatch.setenv("RESNET_KERAS_OUT", str(tmp_path))
    quick = nbformat.from_dict(notebook)
    NotebookClient(
        quick, timeout=300, startup_timeout=300, kernel_name="python3"
    ).execute()
    cells = code_cells(quick)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for file in EXPECTED[name].files:
        assert (tmp_path / file).exists()
    for line in EXPECTED[name].printed:
        assert line in printed(quick)
