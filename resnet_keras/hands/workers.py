"""Worker processes: a function's results, computed by several of them.

`multiprocessing` runs the user's script again in each worker, which few scripts of a
learner are written for. Loky (of joblib) does not, but its workers ran on for half a
minute after their parent was killed, it keeps results without a limit, and would be two
more packages to install with the default data. These workers are fresh Pythons that
look for modules where this process does, are never more than a pipe ahead, and end with
this process. Where none starts, or one fails, its work is done here.
"""

import contextlib
import os
import pickle
import subprocess
import sys

_WORK = "from resnet_keras.hands import workers; workers._work()"
_BEGIN = b"Results of resnet_keras:\n"  # what was printed before is skipped
_FAILED = object()


def num_cores():
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def results(function, arguments, num_workers):
    """Yield function(argument) for each argument, in order.

    Args:
        function: one that `pickle` finds by its module and name.
        arguments: sequence; a `range` stays as small as it is.
        num_workers: how many processes share the work; with 1 or 0 this one does it.

    Raises:
        Exception: what the function raises.
    """
    with contextlib.ExitStack() as stack:
        workers = [
            stack.enter_context(_worker(function, arguments[number::num_workers]))
            for number in range(num_workers if num_workers > 1 else 0)
        ]
        for worker in filter(None, workers):
            while worker.stdout.readline() not in (_BEGIN, b""):
                pass
        for i, argument in enumerate(arguments):
            result = _receive(workers[i % num_workers]) if workers else _FAILED
            yield function(argument) if result is _FAILED else result


@contextlib.contextmanager
def _worker(function, arguments):
    """A process that writes results to its stdout; None if there is none."""
    paths = [entry or os.getcwd() for entry in sys.path if isinstance(entry, str)]
    try:
        worker = subprocess.Popen(
            # -P: no file of the working directory may stand in for a module.
            [sys.executable or "", "-P", "-c", _WORK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what fails there is done again here
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    except OSError:  # no Python of its own, or no room for another process
        yield None
        return
    with worker:
        try:
            with contextlib.suppress(OSError), worker.stdin as stdin:
                pickle.dump((function, arguments), stdin)
            yield worker
        finally:
            worker.kill()


def _work():
    """Be a worker: read the work from stdin, write each result to stdout."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what the function prints goes to stderr
        out.write(b"\n" + _BEGIN)
        out.flush()
        function, arguments = pickle.load(sys.stdin.buffer)
        for argument in arguments:
            pickle.dump(function(argument), out)
            out.flush()


def _receive(worker):
    """Return a worker's next result, or `_FAILED`."""
    if worker is None or worker.stdout.closed:
        return _FAILED
    try:
        return pickle.load(worker.stdout)
    except Exception:  # anything may come of a broken pickle
        worker.kill()
        worker.stdout.close()
        return _FAILED
