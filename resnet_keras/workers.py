"""A function's results, computed by several worker processes.

`multiprocessing` runs the user's script again in each worker, for which few learners'
scripts are written. Loky (of joblib) does not, but its workers ran on for half a minute
after their parent was killed, it stores results without a limit, and it is two more
packages to install. These workers are new Python processes with the module path of this
one; they are at most a pipe's buffer ahead, and end at once with this process. What a
worker does not do, because it fails or does not start, is done in this process.
"""

import contextlib
import os
import pickle
import subprocess
import sys
import threading

_WORK = "from resnet_keras import workers; workers._work()"
_BEGIN = b"Results of resnet_keras:\n"  # what was printed before is skipped
_FAILED = object()


def num_cores(process=0):
    """Return how many cores a process may use; number 0 is this one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(process))
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
            stack.enter_context(_worker())
            for _ in range(num_workers if num_workers > 1 else 0)
        ]
        for number, worker in enumerate(workers):
            if worker:
                _give(worker, (function, arguments[number::num_workers]))
        for i, argument in enumerate(arguments):
            result = _receive(workers[i % num_workers]) if workers else _FAILED
            yield function(argument) if result is _FAILED else result


@contextlib.contextmanager
def _worker():
    """A process that writes results to its stdout; None if there is none."""
    paths = [entry or os.getcwd() for entry in sys.path if isinstance(entry, str)]
    try:
        worker = subprocess.Popen(
            # -P: no file of the working directory may shadow a module.
            [sys.executable or "", "-P", "-c", _WORK],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # failed work is done again in this process
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
    except OSError:  # no Python to start, or no memory for another process
        yield None
        return
    with worker:
        try:
            yield worker
        finally:
            worker.kill()
            with contextlib.suppress(OSError):
                worker.stdin.close()


def _give(worker, work):
    """Send a worker its work, once it has begun."""
    while worker.stdout.readline() not in (_BEGIN, b""):
        pass
    with contextlib.suppress(OSError):
        pickle.dump(work, worker.stdin)
        worker.stdin.flush()


def _work():
    """Be a worker: read the work from stdin, write each result to stdout."""
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what the function prints goes to stderr
        out.write(b"\n" + _BEGIN)
        out.flush()
        function, arguments = pickle.load(sys.stdin.buffer)
        # On Windows NumPy's import would wait for that read to end (numpy#24290); a
        # worker there ends with its next result.
        if os.name != "nt":
            threading.Thread(target=_end_with_parent, daemon=True).start()
        for argument in arguments:
            pickle.dump(function(argument), out)
            out.flush()


def _end_with_parent():
    """End this worker when the other end of its stdin is gone."""
    while os.read(0, 1024):
        pass
    os._exit(1)


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
