"""What is wrong with a data set: copies, damage, odd pictures, probable wrong labels.

It may import `data`, `inference`, `training` and what lies below; `quick` needs no
Keras.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "auditing": "audit quick",
    "alike": "find_alike groups",
    "grouping": "group_images",
    "wrong_labels": "probable_wrong_labels",
    "folds": "out_of_fold",
    "report": "clean",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
