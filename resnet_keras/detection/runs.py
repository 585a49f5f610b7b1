"""What the detector's command trains, for `training.directory.train_in`."""

from resnet_keras.detection.settings import DEFAULTS, RUN_FILES
from resnet_keras.training.directory import Command


def _load(config, skip_broken):
    from resnet_keras.detection import load_detection

    if config.data == DEFAULTS["data"]:
        print("Drawing scenes, for some 15 to 30 seconds ...", flush=True)
    dataset = load_detection(config.data, config.image_size, skip_broken=skip_broken)
    print(dataset, flush=True)
    return dataset


def _train(*arguments):
    from resnet_keras.detection.training import train_detector

    return train_detector(*arguments)


DETECTION = Command(
    "resnet_keras.detect train",
    RUN_FILES,
    lambda options: DEFAULTS | options,
    _load,
    _train,
)
