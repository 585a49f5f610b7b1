"""The table of formats says what each needs, and whether it can quantize."""

import importlib.util

import pytest

from resnet_keras.errors import InputError
from resnet_keras.export.formats import check_needs
from tests.export_runs import run


def test_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'resnet_keras\[onnx\]'"):
        check_needs("onnx")


def test_quantizing_is_not_for_all():
    with pytest.raises(InputError, match="expected one of onnx, litert"):
        check_needs("keras", quantize=True)


def test_scipy_is_among_what_openvino_needs(monkeypatch):
    missing = {"scipy"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in missing else 1
    )
    with pytest.raises(InputError, match=r"needs scipy; pip install"):
        check_needs("openvino")


def test_wrong_suffix_is_refused(small_file, export_source, tmp_path):
    with pytest.raises(InputError, match=r"ends in \.h5"):
        run(small_file, "h5", tmp_path / "a.keras", export_source)
