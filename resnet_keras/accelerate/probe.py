"""What the processor or accelerator at hand supports.

Everything here follows from what the hardware is, never from a measurement: times
differ on a busy machine, and the same seed would end with other weights.
"""

from pathlib import Path

import keras

# bfloat16 is in the tensor cores of NVIDIA's GPUs since Ampere.
_FIRST_CAPABILITY = 8
# Both multiply bfloat16 and add up in float32: Intel since Cooper Lake (AMX since
# Sapphire Rapids), AMD since Zen 4.
_X86_FLAGS = {"avx512_bf16", "amx_bf16"}


def uses_fused_operations():
    """Say whether fused operations serve here: on TensorFlow, without GPU or TPU."""
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not any(map(tf.config.list_physical_devices, ("GPU", "TPU")))


def default_precision():
    """Return the policy to train in by default, "mixed_bfloat16" or "float32".

    It is bfloat16 where the hardware multiplies that natively: under TensorFlow on x86
    processors with AVX512-BF16 or AMX (known on Linux alone), on NVIDIA GPUs of
    compute capability 8 and up, and on TPUs. Elsewhere it is float32: on ARM, Windows
    and macOS nobody has measured it, and JAX and PyTorch do not use those instructions
    here. Products are rounded to 8 bits of precision but added up in 32; weights, their
    updates and the statistics of normalization stay float32.

    Returns:
        str, the name of a Keras dtype policy.
    """
    probe = {
        "tensorflow": _tensorflow_has_bfloat16,
        "jax": _jax_has_bfloat16,
        "torch": _torch_has_bfloat16,
    }.get(keras.backend.backend())
    return "mixed_bfloat16" if probe and probe() else "float32"


def _tensorflow_has_bfloat16():
    import tensorflow as tf

    if tf.config.list_physical_devices("TPU"):
        return True
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return bool(_X86_FLAGS & _processor_flags())
    # Missing where the GPU is not NVIDIA's.
    capabilities = [
        tf.config.experimental.get_device_details(gpu).get("compute_capability", (0,))
        for gpu in gpus
    ]
    return all(capability[0] >= _FIRST_CAPABILITY for capability in capabilities)


def _jax_has_bfloat16():
    import jax

    def has_bfloat16(device):
        if device.platform == "tpu":
            return True
        # "9.0" on a GPU of NVIDIA's, "gfx90a" on one of AMD's, and None on a CPU.
        major = str(getattr(device, "compute_capability", "")).split(".")[0]
        return major.isdecimal() and int(major) >= _FIRST_CAPABILITY

    # Those of all processes, so that all of these decide alike.
    return all(map(has_bfloat16, jax.devices()))


def _torch_has_bfloat16():
    import torch

    return (
        torch.cuda.is_available()
        and torch.cuda.get_device_capability()[0] >= _FIRST_CAPABILITY
    )


def _processor_flags(path=Path("/proc/cpuinfo")):
    """Return what Linux says that this processor can do; elsewhere the empty set."""
    if path.exists():
        with path.open() as lines:
            for line in lines:
                if line.startswith("flags"):
                    return set(line.partition(":")[2].split())
    return set()
