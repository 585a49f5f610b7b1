"""The cost of many images."""

import time

from resnet_keras.benchmark import growth


def test_cost_of_images_is_per_image_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(growth.tempfile, "tempdir", str(tmp_path))
    begin = time.perf_counter()
    seconds, memory = growth.cost_of_images(256)
    assert 0 < 256 * seconds < time.perf_counter() - begin
    assert memory > 100
    assert not list(tmp_path.iterdir())
