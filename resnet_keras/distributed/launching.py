"""A launcher starts this machine's process of a run, and ends it when another ends.

The process that trains is a child of the launcher. Where another process of the run is
lost, JAX ends all that are left with pages of its own; so the child's errors are kept
back, and the launchers tell each other, and say in one line, what came first.
"""

import collections
import contextlib
import json
import math
import os
import queue
import signal
import subprocess
import sys
import threading
import time

from resnet_keras.commands import complain
from resnet_keras.commands.backend import chosen_backend
from resnet_keras.commands.interrupts import REQUESTS_TO_END
from resnet_keras.commands.running import TRACEBACK
from resnet_keras.distributed.meeting import BEAT, SILENCE, meet
from resnet_keras.errors import InputError

AUTO = "auto"
_ERROR = "error: "
_SYMPTOM = "stopped: unexpected "  # the end of another process may be its cause
_GOING_ON = (
    "Finished epochs are kept: go on with the same command for each process, and "
    "--resume"
)
_NUM_LINES_KEPT = 200


def launch(module, argv, coordinator, num_processes=None, index=None):
    """Run a command as one process of several, and return its exit code.

    Args:
        module: of the command, such as "resnet_keras.train".
        argv: list of its arguments, without those of the processes.
        coordinator: "HOST:PORT" of process 0, or "auto", which leaves all to what JAX
            knows of SLURM, Open MPI, Kubernetes and TPUs.
        num_processes, index: ints; None with "auto".

    Returns:
        0, or 2 when this process or another one failed, which is said in one line.

    Raises:
        InputError: the backend is not JAX, or the processes do not come together.
    """
    if (backend := chosen_backend()) != "jax":
        raise InputError(
            f"--coordinator: several processes train with KERAS_BACKEND=jax, and the "
            f"backend is {backend}; set it. Keras supports no other one well for this."
        )
    local_devices = None
    if coordinator == AUTO:
        coordinator, num_processes, index, local_devices = _found_by_jax()
    host, port = split_address(coordinator)
    meeting = meet(host, port, num_processes, index)
    place = {
        "coordinator_address": meeting.jax_address,
        "num_processes": num_processes,
        "process_id": index,
        "local_device_ids": local_devices,
    }
    with _Child(place, module, argv, meeting.events) as child:
        code = _watch(meeting, child, num_processes, index)
    if code and os.environ.get(TRACEBACK) == "1":
        sys.stderr.writelines(child.lines)
    meeting.leave()
    return code


def split_address(text):
    """Return host and port of "HOST:PORT".

    Raises:
        InputError: it is something else.

    Example:

    >>> split_address("10.0.0.1:1234")
    ('10.0.0.1', 1234)
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise InputError(
            f"--coordinator is {text!r}; expected HOST:PORT, such as 10.0.0.1:1234, or "
            f"{AUTO}."
        )
    return host.strip("[]"), int(port)


def _found_by_jax():
    # JAX has no public way to ask before it connects.
    from jax._src.clusters import ClusterEnv

    found = ClusterEnv.auto_detect_unset_distributed_params(
        None, None, None, None, None, 300
    )
    if None in found[:3]:
        raise InputError(
            f"--coordinator {AUTO}: JAX sees no SLURM, Open MPI, Kubernetes or TPU "
            "here. Give --coordinator HOST:PORT --num-processes N --process-index I."
        )
    return found


class _Child:
    """The process that trains; its end comes as an event, with index None."""

    def __init__(self, place, module, argv, events):
        self._is_first = place["process_id"] == 0
        line = [sys.executable, "-m", "resnet_keras.distributed.child"]
        self._process = subprocess.Popen(
            [*line, json.dumps(place), module, *argv],
            stdin=subprocess.PIPE,  # whose end tells it that we have ended
            stdout=None if self._is_first else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches us, and we pass it on once
        )
        self._events = events
        self.lines = collections.deque(maxlen=_NUM_LINES_KEPT)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._waiter = threading.Thread(target=self._wait, daemon=True)

    def __enter__(self):
        self._before = {
            number: signal.signal(number, self._pass_on)
            for number in (signal.SIGINT, *REQUESTS_TO_END)
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        self._reader.start()
        self._waiter.start()
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            if hasattr(os, "killpg"):  # and those that it has started
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
        self._waiter.join()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _pass_on(self, number, frame):
        self._process.send_signal(number)

    def _read(self):
        for line in self._process.stderr:
            self.lines.append(line)
            if self._is_first and line.startswith("Note: "):
                sys.stderr.write(line)

    def _wait(self):
        code = self._process.wait()
        self._reader.join(1)  # its own children may still have the stream
        self._events.put((None, {"code": code}))

    def cause(self, code):
        """Return its own line of an error, or None, and in words how it ended."""
        if code < 0:
            memory = ", as the system does where memory runs out"
            return None, (
                f"was killed by {signal.Signals(-code).name}"
                f"{memory if code == -signal.SIGKILL else ''}. {_GOING_ON}"
            )
        own = [line.strip() for line in self.lines if line.startswith(_ERROR)]
        if own:
            line = own[-1].removeprefix(_ERROR)
            return line, f"stopped: {line}"
        return None, f"ended with exit code {code}. {_GOING_ON}"


def _watch(meeting, child, num_processes, index):
    """Wait for the end of the run, and return its exit code."""
    finished, own, deadline = set(), None, math.inf
    while True:
        try:
            sender, message = meeting.events.get(timeout=BEAT)
        except queue.Empty:
            meeting.say()
            if time.monotonic() < deadline:
                continue
            line, text = own  # nobody else has said what happened
            text = f"{meeting.name(index)} {text}"
            meeting.say(end=text)
            return complain(line or text)
        if sender is None and message["code"] == 0:
            finished.add(index)
            meeting.say(done=index)
        elif sender is None:
            own = child.cause(message["code"])
            deadline = time.monotonic()
            if message["code"] == -signal.SIGABRT or _SYMPTOM in own[1]:
                deadline += SILENCE + 5
        elif message and "done" in message:
            finished.add(message["done"])
        elif message or sender not in finished:
            text = (message or {}).get("end")
            text = text or f"{meeting.name(sender)} is gone. {_GOING_ON}"
            meeting.say(end=text)
            return complain(text)
        if {0, index} <= finished and (index or len(finished) == num_processes):
            return 0
