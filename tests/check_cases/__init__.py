"""Blocks as learners write them: right ones in many styles, and broken ones.

The mistakes are those of public threads. All but `later` was written before the code
that recognizes them, so that nothing there follows from how it recognizes them.
"""

from tests.check_cases.activations import ACTIVATIONS_AND_ADDITION
from tests.check_cases.courses import COURSE_2017, COURSE_2021, HELPERS
from tests.check_cases.later import LATER
from tests.check_cases.layers import LAYERS
from tests.check_cases.networks import NETWORK_MUTANTS
from tests.check_cases.right import RIGHT
from tests.check_cases.unlisted import UNLISTED

__all__ = [
    "COURSE_2017",
    "COURSE_2021",
    "HELPERS",
    "MUTANTS",
    "NETWORK_MUTANTS",
    "RIGHT",
]

MUTANTS = ACTIVATIONS_AND_ADDITION + LAYERS + UNLISTED + LATER
