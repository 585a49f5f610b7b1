"""How the launchers of a run find each other, and notice that one has ended.

The launcher of process 0 listens at the coordinator's address; each other one connects
to it. They exchange lines of JSON: who they are, where JAX is to connect, then a sign
of life each second, and at last that all is done or why the run ends.
"""

import contextlib
import errno
import json
import queue
import socket
import threading
import time

import resnet_keras
from resnet_keras.errors import InputError

# Seconds. A pod of Kubernetes may need minutes for its image; JAX waits as long.
PATIENCE = 300
_PATIENCE_FOR_NAME = 20  # until a name that nobody knows is taken for wrong
SILENCE = 20  # a machine that lost power or network does not say so
_SECONDS_FOR_HELLO = 5  # while the others wait for a sign of life
BEAT = 1
_LONGEST_LINE = 100_000  # characters


class Meeting:
    """The connections of one launcher: of process 0 to all others, of those to it.

    Args:
        links: dictionary from the index of the process at the other end to its `Link`.
        jax_address: "HOST:PORT", where the JAX of process 0 is to listen.

    Attributes:
        events: `queue.Queue` of pairs, an index and the dictionary that came from
            there, or None when the connection is lost.
    """

    def __init__(self, links, jax_address):
        self._links, self.jax_address = links, jax_address
        self.events = queue.Queue()
        self._threads = [
            threading.Thread(target=self._listen, args=item, daemon=True)
            for item in links.items()
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self, index, link):
        while (message := link.receive()) is not None:
            if message:  # and not a mere sign of life
                self.events.put((index, message))
        self.events.put((index, None))

    def say(self, **message):
        """Send a message to all others; without one, a sign of life."""
        for link in self._links.values():
            link.send(**message)

    def name(self, index):
        """Return a process's number and machine, in words."""
        link = self._links.get(index)
        return in_words(index, link.host if link else socket.gethostname())

    def leave(self):
        """Close the connections, once the others had time to read what was said."""
        for link in self._links.values():
            link.finish()
        for thread in self._threads:
            thread.join(2)
        for link in self._links.values():
            link.close()


class Link:
    """A connection to another launcher."""

    def __init__(self, connection, host="?"):
        self._connection, self.host = connection, host
        self._lines = connection.makefile("r", encoding="utf-8", errors="replace")

    def send(self, **message):
        """Send a message; that nobody is there is noticed by `receive`."""
        with contextlib.suppress(OSError):
            self._connection.sendall(json.dumps(message).encode() + b"\n")

    def receive(self):
        """Return the next message, or None if the other end is gone, silent or odd."""
        try:
            message = json.loads(self._lines.readline(_LONGEST_LINE))
        except (OSError, ValueError):
            return None
        return message if isinstance(message, dict) else None

    def finish(self):
        """Let the other end know that nothing follows."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)

    def close(self):
        """Close the connection, and end a `receive` that waits."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._connection.close()


def meet(host, port, num_processes, index):
    """Connect the launchers of a run, and return when all are there.

    Args:
        host, port: where process 0 listens: str and int.
        num_processes: int, 1 or more.
        index: int, of this process.

    Returns:
        `Meeting`.

    Raises:
        InputError: the port is in use, nobody or something else is at the address, a
            process did not come, or two have one index.
    """
    if index == 0:
        return _receive(host, port, num_processes)
    return _join(host, port, num_processes, index)


def in_words(index, host):
    """Return a process's number and machine, in words."""
    return f"process {index} (on {host})"


def _receive(host, port, num_processes):
    links = {}
    if num_processes > 1:
        others = (
            "process 1" if num_processes == 2 else f"processes 1 to {num_processes - 1}"
        )
        print(f"Waiting at {host}:{port} for {others} ...", flush=True)
    deadline = time.monotonic() + PATIENCE
    with _server(port) as server:
        server.settimeout(BEAT)
        try:
            while len(links) < num_processes - 1:
                if time.monotonic() > deadline:
                    missing = sorted(set(range(1, num_processes)) - set(links))
                    raise InputError(
                        f"{host}:{port}: within {PATIENCE} seconds no process "
                        f"{', '.join(map(str, missing))} of {num_processes} has come. "
                        "Start it with the same --coordinator, on a machine that "
                        "reaches this one by that name."
                    )
                with contextlib.suppress(TimeoutError):
                    _admit(server.accept()[0], links, num_processes)
                for link in links.values():
                    link.send()
        except InputError as error:
            for link in links.values():
                link.send(end=str(error))
                link.close()
            raise
    address = f"{f'[{host}]' if ':' in host else host}:{_free_port()}"
    for link in links.values():
        link.send(start=address)
    return Meeting(links, address)


def _server(port):
    dual = socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if dual else socket.AF_INET
    try:
        return socket.create_server(("", port), family=family, dualstack_ipv6=dual)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "another program uses this port"
        else:
            reason = error.strerror
        raise InputError(
            f"--coordinator: process 0 cannot listen at port {port} ({reason}). Choose "
            "another port for all processes."
        ) from error


def _admit(connection, links, num_processes):
    """Take a launcher that has connected into `links`, or refuse it."""
    connection.settimeout(_SECONDS_FOR_HELLO)
    link = Link(connection)
    hello = link.receive() or {}
    connection.settimeout(SILENCE)
    index = hello.get("process")
    if "resnet_keras" not in hello or not isinstance(index, int):
        link.close()  # it is something else that tries this port
        return
    link.host = str(hello.get("host"))
    name = in_words(index, link.host)
    refusal = None
    if hello.get("processes") != num_processes:
        refusal = (
            f"{name} has --num-processes {hello.get('processes')}, and process 0 "
            f"{num_processes}; expected the same in all."
        )
    elif index in links or not 0 < index < num_processes:
        other = f"on {links[index].host}" if index in links else "process 0 itself"
        refusal = (
            f"{name} has an index that is taken ({other}); expected each --process-"
            f"index from 0 to {num_processes - 1} once."
        )
    elif hello["resnet_keras"] != resnet_keras.__version__:
        refusal = (
            f"{name} has resnet_keras {hello['resnet_keras']}, and process 0 "
            f"{resnet_keras.__version__}; expected the same in all."
        )
    if refusal:
        link.send(end=refusal)
        link.close()
        raise InputError(refusal)
    link.send(welcome=socket.gethostname())
    links[index] = link


def _join(host, port, num_processes, index):
    connection = _connection(host, port)
    connection.settimeout(SILENCE)
    link = Link(connection)
    try:
        return Meeting(
            {0: link}, _address_for_jax(link, host, port, num_processes, index)
        )
    except InputError:
        link.close()
        raise


def _address_for_jax(link, host, port, num_processes, index):
    """Wait, connected to process 0, until all are there."""
    link.send(
        resnet_keras=resnet_keras.__version__,
        process=index,
        processes=num_processes,
        host=socket.gethostname(),
    )
    answer = link.receive()
    if not answer or not answer.keys() & {"welcome", "end"}:
        raise InputError(
            f"--coordinator: what listens at {host}:{port} is not process 0 of such a "
            "run. Correct the address, or choose another port for all processes."
        )
    link.host = answer.get("welcome", "?")
    while "start" not in answer:
        if "end" in answer:
            raise InputError(answer["end"])
        answer = link.receive()
        if answer is None:
            raise InputError(
                f"{in_words(0, link.host)} has ended before all processes were there."
            )
    return answer["start"]


def _connection(host, port):
    start = time.monotonic()
    while True:
        try:
            return socket.create_connection((host, port), timeout=10)
        except OSError as error:
            is_name = isinstance(error, socket.gaierror)
            patience = min(PATIENCE, _PATIENCE_FOR_NAME) if is_name else PATIENCE
            if time.monotonic() - start > patience:
                raise InputError(
                    f"--coordinator: nobody has answered at {host}:{port} for "
                    f"{patience} seconds ({error.strerror or error}). Start process 0 "
                    "on that machine, or correct the address."
                ) from error
        time.sleep(min(0.5, PATIENCE))


def _free_port():
    with socket.create_server(("", 0)) as server:
        return server.getsockname()[1]
