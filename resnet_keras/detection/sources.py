"""The door for pictures with boxes: `load_detection` looks what a source is."""

from resnet_keras.detection.drawn import SCENES, drawn_scenes
from resnet_keras.errors import InputError


def load_detection(source=SCENES, image_size=128):
    """Read, or draw, pictures with the boxes of their objects.

    Args:
        source: "scenes", the built-in ones.
        image_size: side in pixels of the square that each picture is placed on.

    Returns:
        `DetectionDataset`.

    Raises:
        InputError: there is no such source.
    """
    if source != SCENES:
        raise InputError(f"{source}: unknown; expected {SCENES!r}.")
    return drawn_scenes(image_size)
