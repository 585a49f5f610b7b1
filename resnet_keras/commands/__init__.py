"""What the commands share: options, exit codes, signals, and the backend.

It may import `errors`, `tables`, `files` and `accelerate`, and Keras inside
`load_keras`.
"""

from resnet_keras.lazy import lazy

_NAMES = {
    "backend": "chosen_backend load_keras without_notes",
    "options": "add_data add_out add_precision add_preprocessing add_processes "
    "add_resume add_skip_broken add_trust check_processes integer_from number_from "
    "refuse_both something without_processes",
    "running": "Complaints complain run",
}
__getattr__, __dir__, __all__ = lazy(__name__, _NAMES)
