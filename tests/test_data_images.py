"""Pictures of every format, mode and orientation become square RGB arrays."""

import contextlib
import itertools
import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from resnet_keras import load_dataset
from resnet_keras.data.images import fit, is_picture, read_image
from resnet_keras.errors import InputError
from tests.conftest import refusing


def half_and_half(width=40, height=40):
    """Return an RGB image, red on the left and blue on the right."""
    array = np.zeros((height, width, 3), np.uint8)
    array[:, : width // 2, 0] = 255
    array[:, width // 2 :, 2] = 255
    return Image.fromarray(array)


def is_red(pixel):
    return pixel[0] > 200 and pixel[1] < 60 and pixel[2] < 60


@pytest.mark.parametrize(
    "suffix",
    ["jpg", "jpeg", "jfif", "png", "PNG", "bmp", "gif", "webp", "tif", "ppm", "avif"],
)
def test_formats(tmp_path, suffix):
    path = tmp_path / f"picture.{suffix}"
    half_and_half().save(path)
    assert is_picture(path)
    image = read_image(path, 32)
    assert image.shape == (32, 32, 3)
    assert image.dtype == np.uint8
    assert is_red(image[16, 4])
    assert image[16, 28, 2] > 200


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_modes_become_rgb(tmp_path, mode):
    path = tmp_path / ("picture.jpg" if mode == "CMYK" else "picture.png")
    if mode == "I;16":
        Image.fromarray(np.full((40, 40), 200 * 257, np.uint16)).save(path)
    else:
        grey = Image.new("RGB", (40, 40), (200, 200, 200))
        (grey.quantize(4) if mode == "P" else grey.convert(mode)).save(path)
    image = read_image(path, 32)
    assert (image[..., 0] == image[..., 1]).all()
    assert abs(image.mean() - 200) < 6  # black and white dithers
    assert image.shape == (32, 32, 3)


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.full((40, 40), 100_000, np.int32), "100000 to 100000, not 0 to 65535"),
        (np.float32([[-3, 900]]), "grey from -3 to 900, not 0 to 1 or 0 to 255"),
    ],
)
def test_grey_of_no_plain_range_is_refused_not_clipped(pixels, words, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=words):
        read_image(tmp_path / "a.tif", 32)


def test_transparent_becomes_white(tmp_path):
    Image.new("RGBA", (40, 40), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert (read_image(tmp_path / "a.png", 32) == 255).all()


def test_camera_orientation_is_respected(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # held upright: turn by 90 degrees clockwise to see it
    half_and_half().save(tmp_path / "a.jpg", exif=exif)
    image = read_image(tmp_path / "a.jpg", 32)
    assert is_red(image[2, 16])  # left has become top
    assert image[30, 16, 2] > 200


def test_wide_picture_is_cropped_about_its_centre_not_squeezed(tmp_path):
    half_and_half(width=200, height=40).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png", 40)
    expected = np.asarray(half_and_half())
    np.testing.assert_array_equal(image, expected)


def test_large_jpeg_keeps_its_colours_through_draft_decoding(tmp_path):
    half_and_half(3000, 2000).save(tmp_path / "a.jpg")
    image = read_image(tmp_path / "a.jpg", 64)
    assert is_red(image[32, 8])


def test_fit_leaves_the_right_size_alone():
    array = np.asarray(half_and_half())
    np.testing.assert_array_equal(fit(array, 40), array)


def test_height_and_width(tmp_path):
    half_and_half().save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png", (32, 48)).shape == (32, 48, 3)


@pytest.mark.parametrize("size", [(32, 32, 3), 0, -5, "32", 32.0, None, (32, 0)])
def test_no_size_is_not_blamed_on_files(size, tmp_path):
    with refusing("image_size is ", "expected a side in pixels, or (height, width)"):
        load_dataset(tmp_path, size)


def test_missing():
    with pytest.raises(InputError, match=r"nowhere\.png: no such file"):
        read_image("nowhere.png", 32)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "webp", "bmp"])
def test_truncated(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:700])
    with pytest.raises(InputError, match="not a readable picture"):
        read_image(path, 32)


def test_large_pictures_are_refused_by_any_number_of_readers(tmp_path, monkeypatch):
    # Between one and two times Pillow's limit it warns, through filters that are
    # common to all threads; the pauses make them overlap where they can.
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    opened, pauses = Image.open, itertools.cycle((0.001, 0.004, 0.002))

    def open_slowly(path, **options):
        time.sleep(next(pauses))
        return opened(path, **options)

    def is_read(_):
        with contextlib.suppress(InputError):
            read_image(tmp_path / "large.png", 8)
            return True

    monkeypatch.setattr(Image, "open", open_slowly)
    with warnings.catch_warnings(), ThreadPoolExecutor(8) as pool:
        warnings.simplefilter("ignore")  # pytest's own filter makes errors of them
        assert not any(pool.map(is_read, range(60)))


def test_jpeg_of_several_pictures_is_its_first(tmp_path):
    blue = Image.new("RGB", (40, 40), "blue")
    path = tmp_path / "picture.jpg"
    half_and_half().save(path, "MPO", save_all=True, append_images=[blue])
    assert is_red(read_image(path, 32)[16, 4])


def test_other_formats_are_not_handed_to_other_programs(tmp_path):
    for kind in ("eps", "pdf", "pcx"):
        path = tmp_path / "picture.png"
        half_and_half().save(path, kind)
        with pytest.raises(
            InputError, match="expected JPEG, PNG, BMP, GIF, WebP, TIFF"
        ):
            read_image(path, 32)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_pipe_is_no_picture(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match="is no file; expected a picture"):
        read_image(tmp_path / "pipe.png", 32)


@pytest.mark.parametrize("scale", [1, 1 / 255])
def test_grey_in_floats(tmp_path, scale):
    grey = np.tile(np.float32([0, 100, 200, 255]), (4, 1))
    Image.fromarray(grey * np.float32(scale)).save(tmp_path / "a.tif")
    found = read_image(tmp_path / "a.tif", 4)
    np.testing.assert_array_equal(found, np.stack([grey] * 3, -1))


@pytest.mark.parametrize("name", ["picture", "picture.017", "n0144_10026"])
def test_picture_without_suffix_is_one_by_content(tmp_path, name):
    half_and_half().save(tmp_path / name, "PNG")
    assert is_picture(tmp_path / name)
    (tmp_path / name).write_text("hello")
    assert not is_picture(tmp_path / name)


def test_raw_photograph_is_not_taken_for_the_tiff_in_it(tmp_path):
    half_and_half().save(tmp_path / "a.nef", "TIFF")
    assert not is_picture(tmp_path / "a.nef")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello", "not a readable picture"),
        (b"", "an empty file"),
        (b"<html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1", "git lfs pull"),
    ],
)
def test_what_else_a_file_is_is_told(tmp_path, content, words):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_image(tmp_path / "a.jpg", 8)
