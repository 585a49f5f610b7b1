"""What is wrong with a data set: copies, damage, odd pictures, probable wrong labels.

It may import `data`, `inference`, `training` and what lies below; `quick` needs no
Keras.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "audit": "auditing",
    "quick": "auditing",
    "find_alike": "alike",
    "groups": "alike",
    "probable_wrong_labels": "wrong_labels",
    "out_of_fold": "folds",
    "clean": "report",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
