"""What a detector costs: its training and its prediction by the pictures' size."""

import statistics

from resnet_keras.benchmark.timing import interleaved

SIZES = (128, 224, 320, 512)  # sides in pixels
_NUM_OBJECTS = 3  # in each picture
# Pictures of a call: three training batches of 16 and a tenth more, which validates;
# prediction takes 32 at a time.
_GIVEN = 54
_NUM_PICTURES = {"training": 48, "prediction": 64, "one by one": 1}


def measure(report, sizes=SIZES, num_rounds=5):
    """Return a row for each size of pictures, each of a process of its own.

    Args:
        report: function that takes a row as soon as it is measured.
        sizes: sides of the pictures, in pixels.
        num_rounds: how many turns of timing each has.

    Returns:
        List of dictionaries: `image_size`; images/s of "training", of "prediction" of
        many and "one by one", medians; `memory_mb`, the peak of the process.
    """
    rows = []
    for size in sizes:
        found = interleaved({size: steps}, (size,), num_rounds)[size]
        if "error" in found:
            print(f"{size} pixels are left out: {found['error']}", flush=True)
            continue
        seconds = {name: statistics.median(of) for name, of in found["seconds"].items()}
        row = {"image_size": size, "memory_mb": found["peak_memory_mb"]}
        for name, number in _NUM_PICTURES.items():
            row[name] = number / seconds[name]
        rows.append(row)
        report(row)
    return rows


def heading():
    """Return the heading of the rows' table."""
    return (
        "The detector by size of pictures, images/s\n"
        f"{'pixels':>8}{'training':>10}{'prediction':>12}{'one by one':>12}{'MiB':>8}"
    )


def line(row):
    """Return a row's line of the table."""
    return (
        f"{row['image_size']:>8}{row['training']:>10.1f}{row['prediction']:>12.1f}"
        f"{row['one by one']:>12.1f}{row['memory_mb']:>8.0f}"
    )


def steps(size):
    """Return a training step of `detect train` and predictions of its detector.

    The pictures are noise, with three objects each; batches and precision are those of
    the command.

    Args:
        size: side of the pictures, in pixels.
    """
    from resnet_keras.commands import load_keras

    load_keras()
    import numpy as np

    from resnet_keras.accelerate.copies import training_copy
    from resnet_keras.accelerate.memory import keep_freed_memory
    from resnet_keras.detection.dataset import DetectionDataset, Pictures
    from resnet_keras.detection.finder import Finder
    from resnet_keras.detection.settings import DEFAULTS
    from resnet_keras.detection.training import Detection
    from resnet_keras.training import RunConfig
    from resnet_keras.training.fitting import compile_for_training

    rng = np.random.default_rng(0)

    def noise(number):
        images = rng.integers(0, 256, (number, size, size, 3), np.uint8)
        low = rng.uniform(0, 0.6, (number, _NUM_OBJECTS, 2))
        boxes = size * np.concatenate([low, low + 0.3], axis=2).astype(np.float32)
        labels = rng.integers(0, 6, (number, _NUM_OBJECTS))
        shapes = np.full((number, 2), size)
        return Pictures(images, tuple(boxes), tuple(labels), range(number), shapes)

    dataset = DetectionDataset("noise", "noise", [*"012345"], noise(_GIVEN), noise(1))
    config = RunConfig.of_options(DEFAULTS | {"image_size": size}).resolved(dataset)
    keep_freed_memory()
    task = Detection(dataset, config)
    trained = training_copy(task.trained, config.precision)
    compile_for_training(trained, config.recipe, len(task.batches), 1, task.loss)
    finder = Finder(task.model, task.metadata)
    images = noise(_NUM_PICTURES["prediction"]).images

    def train():
        trained.fit(task.batches, shuffle=False, verbose=0)

    return {
        "training": train,
        "prediction": lambda: finder.find(images),
        "one by one": lambda: finder.find(images[:1]),
    }
