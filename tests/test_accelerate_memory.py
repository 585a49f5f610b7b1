"""Memory is kept where that is said, and measured on every system."""

import platform
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from resnet_keras.accelerate import memory
from tests.conftest import python


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc alone")
def test_freed_memory_is_at_hand_again():
    program = (
        "import resource, numpy as np\n"
        "from resnet_keras.accelerate import keep_freed_memory\n"
        "keep_freed_memory()\n"
        "np.ones(2**23)\n"  # 64 MiB, 16,384 pages
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "np.ones(2**23)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)\n"
    )
    assert int(python(program)) < 100


def test_memory_on_windows_is_the_peak_of_the_working_set(monkeypatch):
    process = SimpleNamespace(memory_info=lambda: SimpleNamespace(peak_wset=3 * 2**20))
    psutil = SimpleNamespace(Process=lambda: process)
    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(memory, "Path", lambda name: Path("no/such/folder"))
    monkeypatch.setitem(sys.modules, "psutil", psutil)
    monkeypatch.setitem(sys.modules, "resource", None)  # importing it fails
    assert memory.memory_mb() == 3


@pytest.mark.parametrize(("platform", "unit"), [("darwin", 2**20), ("freebsd", 2**10)])
def test_memory_elsewhere_is_what_the_system_reports(monkeypatch, platform, unit):
    import resource

    usage = SimpleNamespace(ru_maxrss=5 * unit)
    monkeypatch.setattr(memory, "sys", SimpleNamespace(platform=platform))
    monkeypatch.setattr(memory, "Path", lambda name: Path("no/such/folder"))
    monkeypatch.setattr(resource, "getrusage", lambda whom: usage)
    assert memory.memory_mb() == 5


def test_training_is_imported_without_what_windows_lacks():
    python(
        "import sys\n"
        "for name in ('resource', 'fcntl', 'pwd', 'grp', 'termios'):\n"
        "    sys.modules[name] = None\n"
        "import resnet_keras.training, resnet_keras.benchmark.comparison"
    )
