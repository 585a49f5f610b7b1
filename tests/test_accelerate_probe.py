"""The default precision follows from what the hardware has, and from nothing else."""

import sys
from types import SimpleNamespace

import keras
import pytest

from resnet_keras.accelerate import default_precision, probe

CPUINFO = "processor\t: 0\nmodel name\t: x\nflags\t\t: fpu avx512f{}\nbogomips\t: 1\n"


@pytest.fixture
def on_tensorflow(monkeypatch):
    """Return a function that makes TensorFlow see these GPUs, or this processor."""
    import tensorflow as tf

    def pretend(flags=(), capabilities=(), tpus=0):
        devices = {"GPU": list(capabilities), "TPU": [None] * tpus}
        monkeypatch.setattr(tf.config, "list_physical_devices", devices.get)
        monkeypatch.setattr(
            tf.config.experimental,
            "get_device_details",
            lambda gpu: {"compute_capability": gpu} if gpu else {},
        )
        monkeypatch.setattr(probe, "_processor_flags", lambda: set(flags))
        return default_precision()

    return pretend


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"avx512f", "avx512_bf16"}, "mixed_bfloat16"),
        ({"amx_bf16"}, "mixed_bfloat16"),
        ({"avx512f", "avx512_vnni"}, "float32"),
        (set(), "float32"),
    ],
)
def test_processor_decides_by_its_instructions(on_tensorflow, flags, expected):
    assert on_tensorflow(flags) == expected


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ([(8, 0)], "mixed_bfloat16"),  # A100
        ([(9, 0), (9, 0)], "mixed_bfloat16"),  # H100
        ([(7, 5)], "float32"),  # T4
        ([(8, 6), (7, 0)], "float32"),  # the slower one has to keep up
        ([None], "float32"),  # TensorFlow knows it of NVIDIA's alone
    ],
)
def test_gpu_decides_by_its_capability(on_tensorflow, capabilities, expected):
    assert on_tensorflow({"avx512_bf16"}, capabilities) == expected


def test_tpu_multiplies_bfloat16(on_tensorflow):
    assert on_tensorflow(tpus=1) == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ([{"platform": "cpu"}], "float32"),
        ([{"platform": "tpu"}] * 4, "mixed_bfloat16"),
        ([{"platform": "gpu", "compute_capability": "9.0"}] * 2, "mixed_bfloat16"),
        ([{"platform": "gpu", "compute_capability": "7.5"}], "float32"),
        ([{"platform": "gpu", "compute_capability": "gfx90a"}], "float32"),
        (  # of another machine, which has to keep up
            [
                {"platform": "gpu", "compute_capability": "9.0"},
                {"platform": "gpu", "compute_capability": "7.0"},
            ],
            "float32",
        ),
    ],
)
def test_jax_decides_by_all_its_devices(monkeypatch, devices, expected):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    jax = SimpleNamespace(devices=lambda: [SimpleNamespace(**each) for each in devices])
    monkeypatch.setitem(sys.modules, "jax", jax)
    assert default_precision() == expected


@pytest.mark.parametrize(
    ("capability", "expected"),
    [(None, "float32"), ((7, 5), "float32"), ((8, 0), "mixed_bfloat16")],
)
def test_torch_decides_by_its_gpu(monkeypatch, capability, expected):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    cuda = SimpleNamespace(
        is_available=lambda: capability is not None,
        get_device_capability=lambda: capability,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert default_precision() == expected


def test_any_other_backend_stays_with_float32(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    assert default_precision() == "float32"


def test_flags_are_read_from_linux(tmp_path):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO.format(" avx512_bf16"))
    assert probe._processor_flags(path) == {"fpu", "avx512f", "avx512_bf16"}
    path.write_text("processor\t: 0\nFeatures\t: fp asimd bf16\n")  # an ARM
    assert probe._processor_flags(path) == set()
    assert probe._processor_flags(tmp_path / "nothing") == set()
