"""Batches that are read while training: their order, errors, waiting, and resuming."""

import csv
from dataclasses import replace

import numpy as np
import pytest

from resnet_keras import load_model
from resnet_keras.data import load_dataset
from resnet_keras.errors import InputError
from resnet_keras.training import classification, loop
from resnet_keras.training.augmentation import Batches
from resnet_keras.training.recipe import RECIPES, Recipe
from resnet_keras.training.streaming import Stream
from tests.conftest import write_folders
from tests.test_training_loop import config

pytestmark = pytest.mark.usefixtures("smallest_network")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    source = tmp_path_factory.mktemp("source") / "data"
    return write_folders(source, {"a": 16, "b": 16, "c": 16}, suffix=".jpg")


@pytest.fixture(scope="module")
def dataset(folder):
    return load_dataset(folder, 32, stream=True)


def stream_of(dataset, batch_size=8, recipe=Recipe(), seed=3, **more):  # noqa: B008
    train = dataset.train
    rows = np.arange(len(train))[::-1]
    return Stream(train.images, train.labels, 3, rows, batch_size, recipe, seed, **more)


def take(stream, number, epoch=0, step=0):
    feed = stream.feed(epoch, step)["x"].take(number)
    return [(images.numpy(), targets.numpy()) for images, targets in feed]


def assert_equal(found, expected):
    assert len(found) == len(expected)
    for pair, other in zip(found, expected, strict=True):
        for array, wanted in zip(pair, other, strict=True):
            np.testing.assert_array_equal(array, wanted)


def test_a_seed_is_one_order_of_batches(dataset):
    stream = stream_of(dataset)
    assert len(dataset.train) // 8 == len(stream) == 5
    images, targets = take(stream, 1)[0]
    assert images.shape == (8, 32, 32, 3)
    assert images.dtype == targets.dtype == np.float32
    assert 0 <= images.min() < 0.5 < images.max() <= 1
    again = take(stream_of(dataset), 11)
    assert_equal(take(stream, 11), again)  # two epochs and one batch
    other = take(stream_of(dataset, seed=4), 11)
    assert any((a != b).any() for (_, a), (_, b) in zip(again, other, strict=True))


def test_an_epoch_shows_the_pictures_of_the_array_path(dataset):
    """Without augmentation nothing is random but the order, which is the same."""
    recipe = RECIPES["course"]
    images, labels = dataset.train.images[:], dataset.train.labels
    rows = np.arange(len(labels))[::-1]
    batches = Batches(images, np.eye(3, dtype=np.float32)[labels], rows, 8, recipe, 3)
    batches.begin_epoch(1)
    found = take(stream_of(dataset, recipe=recipe), len(batches), epoch=1)
    assert_equal(found, [batches[index] for index in range(len(batches))])


def test_the_middle_of_an_epoch_is_where_it_was(dataset):
    whole = take(stream_of(dataset), 10)
    assert_equal(take(stream_of(dataset), 7, epoch=0, step=3), whole[3:])
    assert_equal(take(stream_of(dataset), 2, epoch=1, step=1), whole[6:8])
    train = dataset.train
    one_hot = np.eye(3, dtype=np.float32)[train.labels]
    batches = Batches(train.images, one_hot, np.arange(len(train)), 8, Recipe(), 0)
    batches.begin_epoch(2)
    rest = batches.feed(2, 3)["x"]
    assert (len(batches), len(rest)) == (5, 2)
    assert_equal([rest[0], rest[1]], [batches[3], batches[4]])


def test_each_process_has_its_part_of_each_batch(dataset):
    whole = take(stream_of(dataset), 5)
    parts = [take(stream_of(dataset, process=(index, 2)), 5) for index in range(2)]
    joined = [
        tuple(np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
        for pairs in zip(*parts, strict=True)
    ]
    assert_equal(joined, whole)
    with pytest.raises(ValueError, match="expected a multiple of the 3 processes"):
        stream_of(dataset, process=(0, 3))


def test_batches_are_what_the_network_expects(dataset):
    prepared = take(stream_of(dataset, prepare=lambda batch: 255 * batch), 1)
    [(images, targets)] = take(stream_of(dataset), 1)
    assert_equal(prepared, [(255 * images, targets)])


def test_whatever_fails_beside_reading_is_raised(dataset):
    calls = []

    def prepare(batch):
        calls.append(batch)
        if len(calls) == 3:
            raise MemoryError("no room")
        return batch

    stream = stream_of(dataset, prepare=prepare)
    [meter], feed = stream.callbacks, iter(stream.feed(0)["x"])
    for step in range(2):
        meter.on_train_batch_begin(step)
        next(feed)
    with pytest.raises(MemoryError, match="no room"):
        meter.on_train_batch_begin(2)  # which would wait for ever


def read_seconds(stream, seconds):
    """Let reading a picture take so long, of a core."""
    meter = stream.callbacks[0]
    meter.on_epoch_begin(0)
    meter._read_seconds, meter._num_read = 100 * seconds, 100
    meter._num_steps = 10


def test_waiting_is_said_with_how_many_cores_would_do(dataset, monkeypatch, capsys):
    stream, now = stream_of(dataset), [0.0]
    meter = stream.callbacks[0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    for waited, words in ((4.0, "waited for pictures 40% of the epoch"), (0.4, None)):
        read_seconds(stream, 0.2)
        meter._waited, now[0] = waited, now[0] + 10.0
        logs = {}
        meter.on_epoch_end(0, logs)
        assert logs == {"input_wait": waited / 10}
        said = capsys.readouterr().out
        assert (words in said) if words else not said
        if words:
            # 80 pictures in the 6 s that it did not wait are 13.3 a second, and each
            # takes a core 0.2 s: 2.7 cores.
            assert "200.0 ms of a core" in said
            assert "on 13 a second. 3 cores for reading alone would keep up" in said


# --- whole runs ----------------------------------------------------------------------


class Stop(Exception):
    """In the place of whatever ends a run."""


def stopping(after):
    """Return a callback that ends a run after so many steps."""
    import keras

    steps = []

    def count(batch, logs):
        steps.append(batch)
        if len(steps) == after:
            raise Stop

    return keras.callbacks.LambdaCallback(on_train_batch_end=count)


def history(directory):
    """Return the rows of a run's epochs without what a clock says."""
    clocks = ("seconds", "images_per_second", "input_wait", "peak_memory_mb")
    with (directory / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if k not in clocks} for row in rows]


@pytest.mark.parametrize(
    ("stream", "pretrained"), [(True, False), (False, True)], ids=["stream", "arrays"]
)
def test_a_run_goes_on_within_an_epoch(folder, tmp_path, stream, pretrained):
    """The same bits: nothing is seen twice, left out or rounded.

    The whole run saves after epochs only: when a run saves changes no number.
    """
    data = load_dataset(folder, 32, stream=stream)
    settings = config(8)
    if pretrained:  # biases and moving averages are not zero: copying rounds them
        settings = config(8, epochs=3, weights=weights(tmp_path))
    classification.train(data, tmp_path / "whole", settings)
    settings = replace(settings, checkpoint_every="2")
    out = tmp_path / "killed"
    with pytest.raises(Stop):  # an epoch is 4 steps, so in the middle of the second
        classification.train(data, out, settings, callbacks=[stopping(7)])
    classification.train(data, out, settings)
    assert_same_weights(out, tmp_path / "whole")
    assert history(out) == history(tmp_path / "whole")


def test_test_pictures_are_read_as_they_are_predicted(tmp_path, monkeypatch):
    write_folders(tmp_path / "data", {"a": 100, "b": 100})
    data = load_dataset(tmp_path / "data", 32, stream=True)
    assert len(data.test) > 32
    asked, read = [], type(data.test.images).__getitem__

    def counting(self, index):
        if not isinstance(index, int | np.integer):
            asked.append(len(self.take(index)))
        return read(self, index)

    monkeypatch.setattr(type(data.test.images), "__getitem__", counting)
    classification.train(data, tmp_path / "run", config(8))
    assert 32 in asked
    assert len(data.test) not in asked


@pytest.mark.slow
def test_a_large_recipe_goes_on_within_a_step_of_several_batches(folder, tmp_path):
    """Averages of weights, gradients so far and mixed pictures are all kept."""
    data = load_dataset(folder, 32, stream=True)
    recipe = replace(RECIPES["imagenet-a3"], batch_size=4)
    settings = replace(config(4), recipe=recipe, accumulate=2)
    classification.train(data, tmp_path / "whole", settings)
    settings = replace(settings, checkpoint_every="3")
    out = tmp_path / "killed"
    with pytest.raises(Stop):  # an epoch is 8 to 10 batches; 9 and 12 are saved
        classification.train(data, out, settings, callbacks=[stopping(13)])
    classification.train(data, out, settings)
    assert_same_weights(out, tmp_path / "whole")
    assert history(out) == history(tmp_path / "whole")


def test_mixed_pictures_are_those_of_the_place(dataset):
    recipe = replace(RECIPES["imagenet-a3"], batch_size=8)
    first = take(stream_of(dataset, recipe=recipe), 3)
    images, targets = first[0]
    assert images.shape == (8, 23, 23, 3)  # trained at 5/7 of 32
    assert set(np.unique(targets)) <= {0, 1}
    assert targets.sum(1).max() > 1 or (first[1][1].sum(1).max() > 1)
    assert_equal(first[1:], take(stream_of(dataset, recipe=recipe), 2, step=1))


def weights(directory):
    """Write a network whose every weight has a value of its own."""
    from resnet_keras import save_model
    from resnet_keras.models import build
    from tests.conftest import randomize

    model = randomize(build("resnet-cifar-8", (32, 32, 3), 3))
    save_model(model, directory / "weights.h5", {"class_names": list("xyz")})
    return str(directory / "weights.h5")


def assert_same_weights(out, other):
    models = [load_model(directory / "model.h5")[0] for directory in (out, other)]
    for found, wanted in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(found, wanted)


class Reading(loop.RunFiles):
    """As those of the second process have them."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.is_writer = False


@pytest.mark.parametrize(
    ("files", "within"), [(loop.RunFiles, [1, 2, 3]), (Reading, [])]
)
def test_one_process_saves_by_its_clock(files, within, dataset, tmp_path, monkeypatch):
    saved = []
    save = loop.RunFiles.save_checkpoint

    def noted(files, model, optimizer, history, unfinished=None):
        saved.append(unfinished and unfinished["step"])
        save(files, model, optimizer, history, unfinished)

    monkeypatch.setattr(loop.RunFiles, "save_checkpoint", noted)
    monkeypatch.setattr(loop, "RunFiles", files)
    monkeypatch.setattr(loop, "steps_or_seconds", lambda text: (None, 1e-9))
    settings = config(8, epochs=1, checkpoint_every="1m")
    classification.train(dataset, tmp_path, settings)
    assert saved == [*within, None]  # the fourth step ends the epoch


def test_a_broken_picture_ends_the_run_with_its_name(folder, tmp_path):
    source = tmp_path / "data"
    write_folders(source, {"a": 20, "b": 20})
    data = load_dataset(source, 32, stream=True)
    path = data.train.images.path(5)
    path.write_bytes(path.read_bytes()[:200])
    # Whether it validates or trains, the run ends.
    with pytest.raises(InputError, match=f"{path.name}: not a readable picture"):
        classification.train(data, tmp_path / "run", config(8))
