"""Model files: saving and loading, metadata, whole writes, older Keras, safety.

It may import `errors` and `nets`, and Keras where a model is built.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "models": "PREPROCESSING load_model load_optimizer save_model versions",
    "content": "check_not_placeholder kind_of",
    "writing": "check_folder check_not_input refuse_file remove_leftovers write_json "
    "write_whole write_whole_folder",
    "safety": "check_h5_data check_h5_weights check_archive check_npz npy_header "
    "naming_damage",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
