"""How processes find each other, and what is said when they do not."""

import queue
import re
import socket
import threading

import pytest

from resnet_keras.distributed import meeting
from resnet_keras.distributed.launching import split_address
from resnet_keras.distributed.meeting import meet
from resnet_keras.errors import InputError


@pytest.fixture(autouse=True)
def no_patience(monkeypatch):
    monkeypatch.setattr(meeting, "PATIENCE", 2)
    monkeypatch.setattr(meeting, "BEAT", 0.1)


@pytest.fixture
def port():
    return meeting._free_port()


def meet_all(port, *others, num_processes=2, host="127.0.0.1"):
    """Return what `meet` gave or raised in process 0, and in each of the others."""
    found = {}

    def attend(key, *arguments):
        try:
            found[key] = meet(host, port, *arguments)
        except InputError as error:
            found[key] = str(error)

    threads = [
        threading.Thread(target=attend, args=(key, *arguments))
        for key, arguments in enumerate([(num_processes, 0), *others])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[key] for key in sorted(found)]


def test_processes_meet_talk_and_notice_who_has_gone(port):
    first, second, third = meet_all(port, (3, 1), (3, 2), num_processes=3)
    assert first.jax_address == second.jax_address == third.jax_address
    assert first.jax_address.startswith("127.0.0.1:")
    second.say(done=1)
    assert first.events.get(timeout=60) == (1, {"done": 1})
    first.say()  # a sign of life is no event
    first.say(end="a reason")
    assert second.events.get(timeout=60) == (0, {"end": "a reason"})
    third.leave()
    assert first.events.get(timeout=60) == (2, None)
    first.leave()
    assert second.events.get(timeout=60) == (0, None)
    second.leave()
    assert first.name(2) == f"process 2 (on {socket.gethostname()})"


def test_who_is_silent_is_taken_for_gone(port, monkeypatch):
    monkeypatch.setattr(meeting, "SILENCE", 0.5)
    first, second = meet_all(port, (2, 1))
    assert first.events.get(timeout=60) == (1, None)
    with pytest.raises(queue.Empty):
        first.events.get(timeout=0.1)
    first.leave()
    second.leave()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ((3, 1), r"process 1 \(on .*\) has --num-processes 3, and process 0 2; exp"),
        ((2, 2), r"process 2 \(on .*\) has an index that is taken .* from 0 to 1 once"),
    ],
)
def test_processes_that_were_started_otherwise_are_told(port, other, words):
    found = meet_all(port, other)
    assert found[0] == found[1]
    assert re.match(words, found[0])


def test_an_index_that_is_given_twice_is_told_to_all(port):
    found = meet_all(port, (3, 1), (3, 1), num_processes=3)
    assert len(set(found)) == 1
    assert "has an index that is taken (on " in found[0]


def test_a_process_that_does_not_come_is_named(port):
    first, second = meet_all(port, (3, 2), num_processes=3)
    assert first == second
    assert "within 2 seconds no process 1 of 3 has come" in first


def test_a_port_in_use_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(InputError, match=f"listen at port {port} .another program"):
            meet("127.0.0.1", port, 2, 0)


@pytest.mark.parametrize(
    ("host", "words"), [("127.0.0.1", "refused"), ("nowhere.invalid", "[Nn]ame")]
)
def test_a_coordinator_that_does_not_answer_is_told(port, host, words):
    expected = f"nobody has answered at {host}:{port} for 2 seconds .*{words}"
    with pytest.raises(InputError, match=expected):
        meet(host, port, 2, 1)


def test_a_coordinator_that_is_something_else_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer():
            connection, _ = server.accept()
            connection.sendall(b"HTTP/1.1 400 Bad Request\n")
            connection.recv(1000)
            connection.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(InputError, match=f"127.0.0.1:{port} is not process 0"):
            meet("127.0.0.1", port, 2, 1)
        thread.join()


def test_what_is_no_process_of_the_run_is_passed_over(port):
    found = []
    thread = threading.Thread(target=lambda: found.append(meet_all(port, (2, 1))))

    def knock():
        for _ in range(100):
            try:
                with socket.create_connection(("127.0.0.1", port)) as other:
                    other.sendall(b"GET / HTTP/1.1\r\n\r\n")
                return
            except ConnectionRefusedError:
                pass

    knocking = threading.Thread(target=knock)
    knocking.start()
    thread.start()
    thread.join()
    knocking.join()
    assert isinstance(found[0][0], meeting.Meeting)
    for each in found[0]:
        each.leave()


@pytest.mark.parametrize("text", ["", "host", "host:", "host:x", ":1234", "host:70000"])
def test_an_address_without_host_or_port_is_refused(text):
    with pytest.raises(InputError, match="expected HOST:PORT, such as"):
        split_address(text)
