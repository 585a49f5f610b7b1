"""The files that keras.applications downloads: where they are, and what they hold."""

import hashlib
import json
import os
from pathlib import Path

import keras

from resnet_keras.errors import InputError

IMAGENET = "imagenet"
# The files that keras.applications downloads, and their published MD5 sums.
_IMAGENET_URL = "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
_IMAGENET_HASHES = {
    50: "2cb95161c43110f7111970584f804107",
    101: "f1aeb4b969a6efcfb50fad2f0c20cfc5",
    152: "100835be76be38e30d865e96f2aaae62",
}
_CLASS_INDEX = (
    "https://storage.googleapis.com/download.tensorflow.org/data/"
    "imagenet_class_index.json",
    "c2c37ea517e94d9795004a39431a14cb",
)


def imagenet_file(depth):
    """Return the cached file of ImageNet weights for 50, 101 or 152 layers.

    Raises:
        InputError: there are none for this depth, or they can be neither found in the
            cache nor downloaded.
    """
    if depth not in _IMAGENET_HASHES:
        raise InputError(
            f'weights="{IMAGENET}": published for 50, 101 and 152 layers, not {depth}. '
            "For 18 and 34 give a file of torchvision's."
        )
    name = f"resnet{depth}_weights_tf_dim_ordering_tf_kernels.h5"
    return _fetched(_IMAGENET_URL + name, _IMAGENET_HASHES[depth])


def imagenet_class_names():
    """Return the names of ImageNet's 1000 classes, such as "tabby".

    Raises:
        InputError: the list is neither in the cache nor can it be downloaded.
    """
    path = _fetched(*_CLASS_INDEX)
    index = json.loads(Path(path).read_text())
    return [index[str(label)][1] for label in range(len(index))]


def _fetched(url, md5):
    """Return the path of a file in Keras' cache, downloaded if need be."""
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    place = home / "models" / url.rsplit("/", 1)[1]
    if place.exists():
        with place.open("rb") as file:
            found = hashlib.file_digest(file, "md5").hexdigest()
        if found != md5:  # Keras would overwrite it, or delete it where it cannot
            raise InputError(
                f"{place}: has MD5 {found}; expected {md5}. Two files of ImageNet "
                "weights go by this name. Move it away, or give its path as weights."
            )
    try:
        return keras.utils.get_file(
            place.name, url, cache_subdir="models", file_hash=md5, cache_dir=str(home)
        )
    except Exception as error:  # Keras raises bare exceptions
        reason = str(error).strip().split("\n")[0][:200]
        raise InputError(
            f"{place}: is missing, and {url} could not be downloaded ({reason}). Bring "
            f"the file (MD5 {md5}) to that path by other means."
        ) from error
