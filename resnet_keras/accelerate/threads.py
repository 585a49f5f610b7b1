"""How many threads share one operation, which decides in which order sums are taken.

Convolutions and products split their work by the number of threads and add up the
parts, so another number ends in other last bits, and after a few steps of training in
other weights. How many cores are free, and which thread is first, changes nothing: two
threads on one core end with the same bits as on two.
"""

import os
import sys

# Read by TensorFlow, JAX and PyTorch when they start.
_VARIABLES = {
    "tensorflow": "TF_NUM_INTRAOP_THREADS",
    "jax": "NPROC",
    "torch": "OMP_NUM_THREADS",
}
