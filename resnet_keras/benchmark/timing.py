"""Timing of steps, interleaved with those of others in processes of their own."""

import contextlib
import multiprocessing
import pickle
import statistics
import time
import warnings

from resnet_keras.accelerate.memory import memory_mb
from resnet_keras.commands import without_notes

_TURN = 0.3  # seconds


def interleaved(makers, arguments, num_rounds):
    """Time steps of several makers, interleaved, each in a process of its own.

    So other load on the machine affects all alike, and each has its own peak of memory.
    Two prepare at once, or the peaks of all would add up.
    A turn begins with a call that is not timed, because the others' turns have emptied
    the caches.

    Args:
        makers: dictionary from a name to a function, importable by name,
            that is called with `arguments` in the new process and returns a dictionary
            from names to steps, functions without arguments.
        arguments: tuple.
        num_rounds: how many turns each has.

    Returns:
        Dictionary from each name to `{"seconds": {step: [float, ...]},
        "peak_memory_mb": float}`, with the median call of each turn, or to `{"error":
        str}` where one failed.
    """
    workers, results = {}, {}
    try:
        for name, make in makers.items():
            before = [other for other in workers if other not in results]
            workers[name] = _Worker(make, arguments)
            results |= {other: workers[other].reply() for other in before}
        results |= {n: workers[n].reply() for n in workers if n not in results}
        for _ in range(num_rounds):
            for name, worker in workers.items():
                for step in results[name].get("seconds", {}):
                    _record(results, name, worker.ask(step), step)
        for name, worker in workers.items():
            if "error" not in results[name]:
                _record(results, name, worker.ask(None))
    finally:
        for worker in workers.values():
            worker.end()
    return results


def _record(results, name, reply, step=None):
    """Record seconds or memory, or an error in place of all that was measured."""
    if "error" in results[name]:
        return
    if isinstance(reply, dict):
        results[name] = reply
    elif step:
        results[name]["seconds"][step].append(reply)
    else:
        results[name]["peak_memory_mb"] = reply


class _Worker:
    """A process that runs a step and returns its duration, as often as it is asked."""

    def __init__(self, make, arguments):
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        # Opened in `_serve`, or what it imports would write its notes to stderr.
        work = pickle.dumps((make, arguments))
        self._process = context.Process(target=_serve, args=(there, work), daemon=True)
        self._process.start()
        there.close()

    def ask(self, step):
        with contextlib.suppress(OSError):  # it may have been killed: see `reply`
            self._pipe.send(step)
        return self.reply()

    def reply(self):
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            return {"error": f"ended with code {self._process.exitcode}"}

    def end(self):
        self._process.kill()
        self._process.join()


def _serve(pipe, work):
    warnings.simplefilter("ignore")
    try:
        with without_notes():
            make, arguments = pickle.loads(work)
            steps = make(*arguments)
            for step in steps.values():
                step()
    except Exception as error:  # of any of the frameworks
        pipe.send({"error": f"{type(error).__name__}: {error}".split("\n")[0][:300]})
        return
    pipe.send({"seconds": {name: [] for name in steps}})
    while (name := pipe.recv()) is not None:
        pipe.send(_seconds(steps[name]))
    pipe.send(memory_mb())


def _seconds(step):
    """Return the median duration of the calls that fit into a turn, after the first."""
    step()
    seconds = []
    while sum(seconds) < _TURN:
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def in_own_process(function, *arguments):
    """Return `function(*arguments)` as a fresh process computes it."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)
