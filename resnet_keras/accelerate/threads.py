"""How many threads share an operation: it decides the order of additions, so each bit.

Convolutions and products split their work by the number of threads and add up the
parts, and another number ends in other last bits. How many cores are free, or which
thread is done first, changes nothing: two threads give on one core, and beside other
work, the bits that they give on two. Backends take the number from the cores that a
process may use, so a run under `taskset`, or resumed on another machine, would end with
other weights. It is pinned instead: to the machine's cores, or to those that a run
began with.
"""

import contextlib
import os

import keras

from resnet_keras.workers import num_cores

_TENSORFLOW, _JAX = "TF_NUM_INTRAOP_THREADS", "PJRT_NPROC"


def pin_threads(number=None):
    """Let so many threads share each operation of this process.

    To be called before Keras computes for the first time; later it changes nothing.
    More threads than cores cost some time: training ResNet-50 takes 2 % more with two
    on one core, 30 % more with 16 on two.

    Args:
        number: from 1 up. By default the number of the machine's cores; but under
            TensorFlow what `TF_NUM_INTRAOP_THREADS` says, under JAX `PJRT_NPROC`, and
            under PyTorch whatever that chooses.

    Returns:
        int, the number there is now.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        number = number or int(os.environ.get(_TENSORFLOW, 0)) or num_cores_of_machine()
        with contextlib.suppress(RuntimeError):  # it has computed already
            tf.config.threading.set_intra_op_parallelism_threads(number)
    elif backend == "jax":
        import jax

        os.environ.setdefault(_JAX, str(num_cores_of_machine()))
        # One of several processes has computed already.
        if number and not jax.distributed.is_initialized():
            os.environ[_JAX] = str(number)
    elif backend == "torch" and number:
        import torch

        torch.set_num_threads(number)
    return num_threads()


def num_threads():
    """Return how many threads share an operation in this process.

    Returns:
        int; on a GPU or TPU it changes no number.
    """
    backend = keras.backend.backend()
    if backend == "torch":
        import torch

        return torch.get_num_threads()
    if backend == "tensorflow":
        import tensorflow as tf

        if pinned := tf.config.threading.get_intra_op_parallelism_threads():
            return pinned
    variable = _TENSORFLOW if backend == "tensorflow" else _JAX
    return int(os.environ.get(variable, 0)) or num_cores(0)


def num_cores_of_machine():
    """Return how many cores the machine, or the container, has.

    That is in every process the same, unlike the number of those that it may use; and
    in a container it counts the container's, unlike `os.cpu_count`.
    """
    try:
        return num_cores(1)  # of the first process, which nothing confines further
    except OSError:  # where that is hidden
        return os.cpu_count() or 1
