"""The ways to prepare pictures for a model that people use, by name.

The names are those of the field: "caffe" and "torch" as in
`keras.applications.imagenet_utils`, whose "tf" is "minus-one-to-one" here.
"""

_RGB = {"channel_order": "rgb", "resize": "crop"}
# name: what to do with a uint8 picture before the model sees it, as metadata says it
MODES = {
    "unit": {"scale": 1 / 255, **_RGB},
    "raw": {"scale": 1.0, **_RGB},
    "minus-one-to-one": {"scale": 1 / 127.5, **_RGB, "mean": [1.0, 1.0, 1.0]},
    "caffe": {
        "scale": 1.0,
        "channel_order": "bgr",
        "resize": "crop",
        "mean": [103.939, 116.779, 123.68],
    },
    "torch": {
        "scale": 1 / 255,
        **_RGB,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    },
}
WORDS = {
    "unit": "RGB values divided by 255",
    "raw": "RGB values from 0 to 255",
    "minus-one-to-one": "RGB values from -1 to 1",
    "caffe": "BGR values from 0 to 255 less ImageNet's mean",
    "torch": "RGB values divided by 255, less ImageNet's mean, over its deviation",
}


def with_preprocessing(metadata, mode):
    """Return metadata with what a person said of the preprocessing, if anything.

    Args:
        metadata: metadata, as `load_model` returns it.
        mode: a key of `MODES`, or None to leave the metadata as it is.

    Example:

    >>> with_preprocessing({}, "raw")["preprocessing"]["scale"]
    1.0
    """
    return metadata | {"preprocessing": MODES[mode]} if mode else metadata
