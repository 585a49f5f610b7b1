"""Public names are imported on first use, under old import paths too."""

import importlib
import pkgutil
import sys

import pytest

import resnet_keras


def test_every_public_name_is_there_and_listed():
    assert len(resnet_keras.__all__) == len(set(resnet_keras.__all__)) >= 18
    for name in resnet_keras.__all__:
        assert callable(getattr(resnet_keras, name))
        assert name in dir(resnet_keras)


@pytest.mark.parametrize("room", ["audit", "data", "detection", "explain", "hands"])
def test_no_name_is_also_a_modules(room):
    """Importing the module would put it in the place of the function."""
    package = importlib.import_module(f"resnet_keras.{room}")
    modules = {each.name for each in pkgutil.iter_modules(package.__path__)}
    assert not modules & set(package.__all__)


def test_unknown_names_are_told():
    with pytest.raises(AttributeError, match="'resnet_keras' has no attribute 'Res'"):
        resnet_keras.Res  # noqa: B018


@pytest.mark.parametrize("package", ["resnet_keras", "resnet_keras.training"])
def test_a_name_is_imported_once(package, monkeypatch):
    module = importlib.import_module(package)
    name = module.__all__[0]
    first = getattr(module, name)
    monkeypatch.setattr(importlib, "import_module", None)
    assert getattr(sys.modules[package], name) is first


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("datasets", "data", {"Dataset", "Split", "load_dataset"}),
        ("images", "data.images", {"read_image"}),
        ("diagram", "plots.diagram", {"architecture"}),
        ("fused", "accelerate.copies", {"copy_weights"}),
        ("summary", "nets.stages", {"stage_table", "summary"}),
    ],
)
def test_old_import_paths_lead_to_the_new(old, new, names):
    old, new = (importlib.import_module(f"resnet_keras.{each}") for each in (old, new))
    for name in names:
        assert getattr(old, name) is getattr(new, name)
