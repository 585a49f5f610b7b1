"""What the commands share: options, exit codes, signals, the backend, text tables.

It may import `errors`, `tables`, `files` and `accelerate`, and Keras inside
`load_keras`.
"""

from resnet_keras.commands.backend import load_keras, without_notes
from resnet_keras.commands.options import (
    add_data,
    add_out,
    add_preprocessing,
    add_skip_broken,
    add_trust,
    integer_from,
    number_from,
    something,
)
from resnet_keras.commands.running import complain, run
from resnet_keras.tables import table

__all__ = [
    "add_data",
    "add_out",
    "add_preprocessing",
    "add_skip_broken",
    "add_trust",
    "complain",
    "integer_from",
    "load_keras",
    "number_from",
    "run",
    "something",
    "table",
    "without_notes",
]
