"""Where a process of several begins: it joins the others, and runs the command.

`launching` starts it as `python -m resnet_keras.distributed.child PLACE MODULE ...`.
"""

import importlib
import json
import os
import sys
import threading

from resnet_keras.commands import load_keras, run, without_notes


def _main():
    place, module, *argv = sys.argv[1:]
    threading.Thread(target=_end_with_the_launcher, daemon=True).start()
    try:
        run(lambda: _work(json.loads(place), module, argv))
    except SystemExit as end:
        if end.code:
            # At the usual exit JAX waits for the other processes.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code)
        raise


def _work(place, module, argv):
    with without_notes():
        _join(place)
    return importlib.import_module(module).main(argv)


def _join(place):
    import jax

    # It would take the system's requests to end for itself.
    jax.config.update("jax_enable_preemption_service", False)
    jax.distributed.initialize(
        **place,
        # Otherwise JAX takes one device under SLURM, whatever was given.
        cluster_detection_method="deactivate",
        shutdown_timeout_seconds=3600,  # process 0 may draw and write meanwhile
    )
    load_keras()
    from resnet_keras.distributed import devices

    # JAX gives each process five minutes from the first's use of devices on, and some
    # may take longer to read their data.
    devices.agree({})


def _end_with_the_launcher():
    """End at once when the launcher has: nobody else would tell the others."""
    os.read(0, 1)  # of a pipe that nobody writes to; sys.stdin would have a lock
    os._exit(2)


if __name__ == "__main__":
    _main()
