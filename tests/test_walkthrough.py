"""The walkthrough runs from top to bottom."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "resnet50_walkthrough.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(NOTEBOOK, as_version=4)


def test_outputs_are_committed_in_order_without_errors(notebook):
    assert NOTEBOOK.stat().st_size < 10e6
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert all(output.output_type != "error" for output in outputs)
    assert not any(output.get("name") == "stderr" for output in outputs)
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 7
    printed = "".join(output.get("text", "") for output in outputs)
    # The full setting, not the quick one; and no progress bar's steps backwards
    assert "56 layers: the gradient" in printed
    assert "\b" not in printed


# Jupyter's client leaves sockets and event loops for the interpreter to close.
@pytest.mark.filterwarnings("ignore::DeprecationWarning:(jupyter_client|zmq|tornado)")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_cell_runs_in_the_quick_setting(notebook, tmp_path, monkeypatch):
    monkeypatch.setenv("RESNET_KERAS_QUICK", "1")
    monkeypatch.setenv("RESNET_KERAS_OUT", str(tmp_path))
    quick = nbformat.from_dict(notebook)
    NotebookClient(
        quick, timeout=300, startup_timeout=300, kernel_name="python3"
    ).execute()
    cells = [cell for cell in quick.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert (tmp_path / "model.h5").exists()
    printed = "".join(
        output.get("text", "") for cell in cells for output in cell.outputs
    )
    assert "177 layers, 23,600,006 parameters" in printed
    assert "224 -> 112 -> 56 -> 56 -> 28 -> 14 -> 7" in printed
