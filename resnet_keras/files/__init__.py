"""Model files: saving and loading, metadata, whole writes, older Keras, safety.

It may import `errors` and `nets`, and Keras where a model is built.
"""

from resnet_keras.lazy import lazy

_HOMES = {
    "PREPROCESSING": "models",
    "load_model": "models",
    "load_optimizer": "models",
    "save_model": "models",
    "versions": "models",
    "check_not_placeholder": "content",
    "kind_of": "content",
    "check_folder": "writing",
    "check_not_input": "writing",
    "refuse_file": "writing",
    "remove_leftovers": "writing",
    "write_json": "writing",
    "write_whole": "writing",
    "write_whole_folder": "writing",
    "check_h5_data": "safety",
    "check_h5_weights": "safety",
    "check_archive": "safety",
    "check_npz": "safety",
    "npy_header": "safety",
    "naming_damage": "safety",
}
__getattr__, __dir__, __all__ = lazy(__name__, _HOMES)
