"""Memory is kept where that is said, and measured on every system."""

import platform
import subprocess
import sys

import pytest


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
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 100
