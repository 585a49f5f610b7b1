"""The course's pair of files, the contact sheet, and the command that writes them."""

import resource
import subprocess
import sys

import h5py
import numpy as np
import pytest
from PIL import Image

from resnet_keras.errors import InputError
from resnet_keras.hands import __main__ as command
from resnet_keras.hands import contact_sheet, render, write_pair
from tests.conftest import python


def test_command_writes_the_course_pair(tmp_path, capsys):
    out = tmp_path / "new" / "pair"
    line = ["--out", str(out), "--train", "18", "--test", "6"]
    assert command.main(line) == 0
    printed = capsys.readouterr().out
    assert sorted(path.name for path in out.iterdir()) == [
        "hands.png",
        "test_hands.h5",
        "train_hands.h5",
    ]
    seen = set()
    for part, count in (("train", 18), ("test", 6)):
        with h5py.File(out / f"{part}_hands.h5") as file:
            images, labels = file[f"{part}_set_x"][:], file[f"{part}_set_y"][:]
            assert file["list_classes"][:].tolist() == [0, 1, 2, 3, 4, 5]
        assert images.shape == (count, 64, 64, 3)
        assert images.dtype == np.uint8
        assert labels.dtype == np.int64
        assert np.bincount(labels).tolist() == [count // 6] * 6
        seen |= {image.tobytes() for image in images}
        assert f"{part}_hands.h5: {count} hands" in printed
    assert len(seen) == 24
    with Image.open(out / "hands.png") as sheet:
        assert sheet.size == (12 * 98 + 2, 6 * 98 + 2)


def test_training_file_is_what_render_gives(tmp_path):
    train, _ = write_pair(tmp_path, 7, 1, 32, seed=9)
    with h5py.File(train) as file:
        assert np.array_equal(file["train_set_x"][:], render(7, 32, seed=9).images)


def test_command_says_that_out_is_a_file(tmp_path):
    (tmp_path / "taken").write_text("kept")
    with pytest.raises(OSError, match="taken: is a file"):
        command.main(["--out", str(tmp_path / "taken")])
    assert (tmp_path / "taken").read_text() == "kept"


def test_a_pair_has_one_picture_at_least():
    with pytest.raises(
        InputError, match="num_train is 0; expected a whole number from"
    ):
        write_pair("unused", 0)


def test_full_disk_leaves_the_old_files(tmp_path):
    write_pair(tmp_path, 6, 6, 32)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fill():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    line = [sys.executable, "-m", "resnet_keras.hands", "--out", tmp_path]
    done = subprocess.run(
        [*line, "--train", "60"], capture_output=True, text=True, preexec_fn=fill
    )
    assert done.returncode == 2
    assert "train_hands.h5: could not be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_contact_sheet_has_a_row_per_sign():
    sheet = np.asarray(contact_sheet(columns=2, image_size=32, seed=0))
    found = render(12, 32, seed=0)
    ones = found.images[found.labels == 1]
    assert np.array_equal(sheet[2 + 34 : 34 + 34, 2:34], ones[0])
    assert np.array_equal(sheet[2 + 34 : 34 + 34, 36:68], ones[1])


def test_more_hands_than_the_disk_holds_are_refused_at_once(tmp_path):
    with pytest.raises(InputError, match=r"has room for .* but these hands take 786.4"):
        write_pair(tmp_path, 10**6, 10, 512)
    assert not list(tmp_path.iterdir())


def test_nothing_large_is_imported_to_parse_and_no_keras_to_draw():
    code = "import sys; from resnet_keras.hands.__main__ import _parse;"
    code += "_parse(['--out', 'x']); print({'numpy', 'keras'} & {*sys.modules});"
    code += "from resnet_keras import hands; hands.contact_sheet(1);"
    code += "print('keras' in sys.modules)"
    assert python(code) == "set()\nFalse\n"
