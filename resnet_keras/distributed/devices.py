"""The devices and processes that share a training run, as JAX knows them.

With another backend there is one process, and it is number 0.
"""

import contextlib
import json
import os

import keras
import numpy as np

from resnet_keras.errors import InputError


def num_processes():
    """Return how many processes share the run."""
    return _jax().process_count() if _jax() else 1


def process_index():
    """Return the number of this process, from 0 on; process 0 writes the files."""
    return _jax().process_index() if _jax() else 0


def num_devices():
    """Return how many devices share a batch, those of all processes."""
    return _jax().device_count() if _jax() else 1


def _jax():
    if keras.backend.backend() != "jax":
        return None
    import jax

    return jax


@contextlib.contextmanager
def sharing(batch_size):
    """Let the networks that are made and trained meanwhile share each batch by device.

    Each device holds all weights and computes its part of the batch; gradients are
    means over the whole batch, and so are the statistics of normalization.

    Args:
        batch_size: images of a batch, in all processes together.

    Raises:
        InputError: the devices cannot have equal parts of it.
    """
    if num_devices() == 1:
        yield
        return
    check_batch(batch_size)
    # Each process makes its part of the batch by itself.
    with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
        yield


def check_batch(batch_size):
    """Refuse a batch that the devices cannot share in equal parts, as `sharing`."""
    number = num_devices()
    if number != num_processes() * _local_devices():
        raise InputError(
            f"{number} devices in {num_processes()} processes, of which this one has "
            f"{_local_devices()}; expected as many in each."
        )
    if batch_size % number:
        raise InputError(
            f"a batch has {batch_size} images and cannot be divided among {number} "
            "devices; give a --batch-size that can, no larger than the training images."
        )


def _local_devices():
    return _jax().local_device_count()


@contextlib.contextmanager
def alone():
    """Let what happens meanwhile, within `sharing`, be of this process alone."""
    before = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(before)


def part_of_batch(batch_size):
    """Return the first row of this process' part of each batch, and the end of it."""
    part = batch_size // num_processes()
    start = process_index() * part
    return start, start + part


def together(compute, number):
    """Compute something for each of many rows, each process for a part of them.

    Args:
        compute: function from a slice or an array of rows to an array with as many
            rows; each process is called with as many.
        number: int, of rows.

    Returns:
        What `compute` returns for all, in every process.
    """
    if num_processes() == 1:
        return compute(slice(None))
    from jax.experimental import multihost_utils

    part = -(-number // num_processes())
    rows = process_index() * part + np.arange(part)
    found = compute(np.minimum(rows, number - 1))  # all parts have one length
    return multihost_utils.process_allgather(found, tiled=True)[:number]


def agree(facts):
    """See that all processes were given the same, and wait until all are here.

    Args:
        facts: dictionary from what differs, in words, to its value, as JSON takes it.

    Raises:
        InputError: process 0 has another value; raised in every process.
    """
    if num_processes() == 1:
        return
    from jax.experimental import multihost_utils

    own = np.frombuffer(json.dumps(facts).encode(), np.uint8)
    with _without_output():
        sizes = multihost_utils.process_allgather(np.array([len(own)], np.int32))
        padded = np.zeros(sizes.max(), np.uint8)
        padded[: len(own)] = own
        texts = multihost_utils.process_allgather(padded)
    found = [
        json.loads(text[:size].tobytes())
        for text, size in zip(texts, sizes.ravel(), strict=True)
    ]
    for index, other in enumerate(found):
        for name, value in found[0].items():
            if other.get(name) != value:
                raise InputError(
                    f"process {index} of {len(found)} has {name} {other.get(name)}, "
                    f"and process 0 has {name} {value}; expected the same in all."
                )


@contextlib.contextmanager
def _without_output():
    """Keep back what the collectives of JAX on a CPU print at their first use."""
    stdout = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(nowhere)
