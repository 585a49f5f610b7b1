"""Small data sets and models that the tests share, and how they call commands."""

import gc
import importlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec

import h5py
import numpy as np
import pytest
from PIL import Image

from resnet_keras import commands
from resnet_keras.commands.interrupts import REQUESTS_TO_END
from resnet_keras.errors import InputError

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

COLOURS = ((200, 40, 40), (40, 200, 40), (40, 40, 200))


# Files of ten seconds and more, the longest first: begun first, so that no core is idle
# while the last of them ends.
LONGEST = (
    *("test_walkthrough.py", "test_train_runs.py", "test_detection_training.py"),
    *("test_readme.py", "test_benchmark_command.py", "test_accelerate_threads.py"),
    *("test_commands_backend.py", "test_experiments_degradation.py"),
    *("test_experiments_shortcuts.py", "test_experiments_depth_cost.py"),
    *("test_training_fitting.py", "test_explain_saliency.py", "test_files_legacy.py"),
)

gc.disable()


def pytest_collection_finish():
    """Let the collector of garbage never look at what the imports made."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items):
    """Put the longest files first; pytest-xdist hands files out in this order."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def coloured_images(labels, size=32, seed=0):
    """Return noisy images whose colour is their class, uint8 (n, size, size, 3)."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(-30, 30, (len(labels), size, size, 3))
    return (np.array(COLOURS)[labels][:, None, None] + noise).astype(np.uint8)


def write_pair(directory, num_train=36, num_test=12, size=32, **changes):
    """Write the course's pair of files; `changes` replaces an array, None drops it."""
    directory.mkdir(parents=True, exist_ok=True)
    for part, number, seed in (("train", num_train, 0), ("test", num_test, 1)):
        labels = np.arange(number) % 3
        arrays = {
            f"{part}_set_x": coloured_images(labels, size, seed),
            f"{part}_set_y": labels,
            "list_classes": np.arange(3),
        }
        if part == "test" and "test_list_classes" in changes:
            arrays["list_classes"] = changes["test_list_classes"]
        arrays |= {key: changes[key] for key in arrays if key in changes}
        with h5py.File(directory / f"{part}_colours.h5", "w") as file:
            for key, value in arrays.items():
                if value is not None:
                    file[key] = value
    return directory


def write_folders(directory, counts, size=32, suffix=".png"):
    """Write one folder of images per class; `counts` maps names to numbers."""
    for label, (name, number) in enumerate(counts.items()):
        (directory / name).mkdir(parents=True)
        images = coloured_images([label % 3] * number, size, seed=label)
        for index, image in enumerate(images):
            Image.fromarray(image).save(directory / name / f"{index}{suffix}")
    return directory


def randomize(model, seed=0):
    """Give every weight, statistics included, a value of its own."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        for variable in layer.weights:
            if "variance" in variable.name or variable.name == "gamma":
                variable.assign(rng.uniform(0.5, 1.5, variable.shape))
            elif len(variable.shape) == 1:
                variable.assign(rng.uniform(-0.2, 0.2, variable.shape))
    return model


def assert_same_weights(first, other):
    """Compare the weights of two models, or lists of them, to the last bit."""
    first, other = (
        each if isinstance(each, list) else each.get_weights()
        for each in (first, other)
    )
    for own, its in zip(first, other, strict=True):
        np.testing.assert_array_equal(own, its)


@contextmanager
def stopped_after(epochs):
    """Expect a run to be stopped, as by Ctrl-C, once it has written so many epochs."""
    from resnet_keras.training.checkpoint import RunFiles

    write = RunFiles.write_history

    def stop(files, history):
        write(files, history)
        if len(history) == epochs:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFiles, "write_history", stop)
        with pytest.raises(KeyboardInterrupt):
            yield


def steps_of(optimizer, variable, gradients):
    """Return what a variable is after each step along the given gradients."""
    import keras

    optimizer.build([variable])
    values = []
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        values.append(np.array(variable))
    return values


def assert_same_answers(found, expected, tolerance):
    """Compare answers to several images, which must not be alike by themselves."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert np.ptp(expected, axis=0).max() > 100 * tolerance
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


@pytest.fixture
def pair(tmp_path):
    return write_pair(tmp_path / "colours")


@pytest.fixture(scope="session")
def tiny_model():
    """Return a small classifier of 32x32 images into three classes, with a block."""
    import keras

    from resnet_keras import convolutional_block, identity_block

    keras.utils.set_random_seed(0)
    inputs = keras.Input((32, 32, 3))
    outputs = convolutional_block(inputs, 3, [4, 4, 8], 2, "a")
    outputs = identity_block(outputs, 3, [4, 4, 8], 2, "b")
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    outputs = keras.layers.Dense(3, activation="softmax", name="fc3")(outputs)
    return keras.Model(inputs, outputs)


def pooled(*operations, classes=3, shape=(32, 32, 3), last="softmax", **of_input):
    """Return a model of operations, the mean over their maps, and a dense layer."""
    import keras

    inputs = outputs = keras.Input(shape, **of_input)
    for operation in operations:
        outputs = operation(outputs)
    outputs = keras.layers.GlobalAveragePooling2D()(outputs)
    return keras.Model(inputs, keras.layers.Dense(classes, last)(outputs))


@pytest.fixture(scope="module")
def short_networks():
    """Let there be networks of 10 and 14 layers, a block to a stage: quick to build."""
    from resnet_keras import family

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(family.DEPTHS, 10, ((1, 1), (1, 1, 1, 1)))
        patch.setitem(family.DEPTHS, 14, ((1, 1, 4), (1, 1, 1, 1)))
        yield


@pytest.fixture(scope="module")
def smallest_network():
    """Let there be a smaller network than the paper has, and forget no memory."""
    from resnet_keras import family
    from resnet_keras.training import loop

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(family.NETWORKS, "resnet-cifar-8", (True, 8, True))
        patch.setattr(loop, "keep_freed_memory", lambda: None)  # it is for good
        yield


@pytest.fixture(scope="session")
def resnet50():
    """Return the course's network, for tests that do not change it."""
    from resnet_keras import ResNet50

    return ResNet50()


def command(name, *arguments, cwd=None, timeout=300, prefix=()):
    """Run `python -m resnet_keras.NAME` and return the finished process."""
    line = [*prefix, sys.executable, "-m", f"resnet_keras.{name}", *map(str, arguments)]
    return subprocess.run(
        line, cwd=cwd, timeout=timeout, capture_output=True, text=True, check=False
    )


def python(code, *arguments, cwd=None, **environment):
    """Run code in a Python of its own, which must end well; return what it printed."""
    process = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


def module_of(name):
    """Return the module that `python -m NAME` runs."""
    if find_spec(name).submodule_search_locations:
        name += ".__main__"
    return importlib.import_module(name)


@pytest.fixture
def handlers():
    """Put the handlers of signals back, whatever a test sets."""
    numbers = (signal.SIGINT, *REQUESTS_TO_END)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def command_here(capfd, handlers, monkeypatch):
    """Return a function that does as `command` in this process, which has Keras."""

    def run(name, *arguments, cwd="."):
        monkeypatch.chdir(cwd)
        main = module_of(f"resnet_keras.{name}").main
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            commands.run(lambda: main([str(each) for each in arguments]))
        printed = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code, *printed)

    return run


@contextmanager
def refusing(*words):
    """Expect an `InputError` of one line that holds all `words`; yields what raised."""
    with pytest.raises(InputError) as raised:
        yield raised
    message = str(raised.value)
    assert "\n" not in message
    for word in words:
        assert str(word) in message


def assert_refused(process, *words):
    """Check for exit code 2 and one line on stderr that holds all `words`."""
    assert process.returncode == 2, process.stderr
    lines = process.stderr.strip().splitlines()
    assert len(lines) == 1, process.stderr
    assert lines[0].startswith("error: ")
    for word in words:
        assert str(word) in lines[0]


@pytest.fixture(scope="session")
def weight_files(tmp_path_factory):
    """Return a function that gives a network's file of weights, written once.

    It takes "keras", of 50 layers, or "course" or "notop", of 14, and returns the path
    and the network.
    """
    from tests.weight_files import write

    return partial(write, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def small_model():
    """Return a network of a few kilobytes, so that a mutation hits what matters."""
    import keras

    keras.utils.set_random_seed(0)
    convolution = keras.layers.Conv2D(4, 3, name="conv1")
    normalization = keras.layers.BatchNormalization(name="bn_conv1")
    relu = keras.layers.Activation("relu")
    return pooled(convolution, normalization, relu, shape=(8, 8, 3))


def rewrite_keras(path, change):
    """Rewrite a `.keras` archive with members that `change(name, data)` returns."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, change(name, data))


@pytest.fixture(scope="session")
def export_source(tmp_path_factory):
    """Return images of three classes for exports to be compared on."""
    return str(write_pair(tmp_path_factory.mktemp("data") / "colours"))


@pytest.fixture(scope="session")
def small_file(tmp_path_factory, tiny_model):
    """Return the file of `tiny_model`, with its classes' names."""
    from resnet_keras import save_model
    from tests.export_runs import METADATA

    path = tmp_path_factory.mktemp("model") / "small.h5"
    save_model(tiny_model, path, METADATA)
    return path


@pytest.fixture
def saved(small_file, tmp_path):
    """Return a copy of `small_file`, in the folder that the test writes to."""
    return shutil.copy(small_file, tmp_path / "model.h5")
