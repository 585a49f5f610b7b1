"""TFRecord shards: those that we pack, those of others, and damaged ones."""

import contextlib
import json
import signal
import subprocess
import sys
from unittest.mock import Mock

import numpy as np
import pytest

from resnet_keras.data import __main__ as data_command
from resnet_keras.data import load_dataset, packing
from resnet_keras.data.packing import pack
from resnet_keras.data.shards import Shard
from resnet_keras.errors import InputError
from tests.conftest import write_folders, write_pair


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folders(tmp_path_factory.mktemp("source") / "data", {"a": 30, "b": 20})


@pytest.fixture
def small_shards(monkeypatch):
    """Let a shard be of about 10 pictures of 2 kB."""
    monkeypatch.setattr(packing, "_SHARD_BYTES", 20_000)


@pytest.fixture
def packed(folder, tmp_path, small_shards):
    pack(folder, tmp_path / "packed", say=list)
    return tmp_path / "packed"


def by_pixels(split):
    return sorted(
        (image.tobytes(), label)
        for image, label in zip(split.images[:], split.labels.tolist(), strict=True)
    )


@pytest.mark.parametrize("stream", [False, True])
def test_packed_pictures_are_those_of_the_folder(folder, packed, stream):
    found, expected = load_dataset(packed, 32, stream=stream), load_dataset(folder, 32)
    assert found.is_streamed == stream
    assert found.class_names == expected.class_names
    assert found.notes[0].startswith("No test part given")
    for part in ("train", "test"):
        assert by_pixels(getattr(found, part)) == by_pixels(getattr(expected, part))


def test_validation_part_and_size_of_arrays_are_kept(tmp_path):
    pair = write_pair(tmp_path / "colours", size=48)
    index = pack(pair, tmp_path / "packed", say=list)
    assert [shard["part"] for shard in index["shards"]] == ["train", "test"]
    found = load_dataset(tmp_path / "packed", 48, stream=True)
    expected = load_dataset(pair, 48)
    assert by_pixels(found.train) == by_pixels(expected.train)
    folders = write_folders(tmp_path / "f" / "train", {"a": 4, "b": 4}).parent
    write_folders(folders / "val", {"a": 2, "b": 1})
    write_folders(folders / "test", {"a": 1, "b": 2})
    pack(folders, tmp_path / "three", say=list)
    found = load_dataset(tmp_path / "three", 32, stream=True)
    assert (len(found.train), found.num_validation, len(found.test)) == (11, 3, 3)
    assert found.validation.labels.tolist().count(0) == 2


def test_tensorflow_reads_the_standard_features(folder, packed):
    import tensorflow as tf

    paths = sorted(map(str, packed.glob("*.tfrecord")))
    assert len(paths) > 3
    names = set()
    for record in tf.data.TFRecordDataset(paths):
        features = tf.train.Example.FromString(record.numpy()).features.feature
        [name] = features["image/filename"].bytes_list.value
        [text] = features["image/class/text"].bytes_list.value
        [label] = features["image/class/label"].int64_list.value
        [data] = features["image/encoded"].bytes_list.value
        assert (folder / name.decode()).read_bytes() == data
        assert name.decode().split("/")[0] == text.decode() == "ab"[label]
        names.add(name)
    assert len(names) == 50


KILLED = """if True:
    import os, signal, sys
    from resnet_keras.data import packing
    packing._SHARD_BYTES = 20_000
    write, number = packing._write_records, []
    def die(path, *arguments):
        number.append(path)
        if len(number) == 3:
            path.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, *arguments)
    packing._write_records = die
    packing.pack(*sys.argv[1:])"""


def test_a_killed_call_goes_on_to_the_same_shards(folder, packed, tmp_path):
    out = tmp_path / "killed"
    line = [sys.executable, "-c", KILLED, str(folder), str(out)]
    process = subprocess.run(line, capture_output=True, timeout=300)
    assert process.returncode == -signal.SIGKILL, process.stderr
    with pytest.raises(InputError, match=r"2 of \d shards are packed.*goes on"):
        load_dataset(out, 32)
    said = []
    pack(folder, out, say=said.append)
    assert len(said) == len(list(packed.glob("*.tfrecord"))) - 2
    names = {path.name for path in packed.iterdir()}
    assert {path.name for path in out.iterdir()} == names
    for name in names:
        assert (out / name).read_bytes() == (packed / name).read_bytes(), name


def test_a_finished_folder_is_checked(folder, packed, tmp_path):
    said = []
    pack(folder, packed, say=said.append)
    assert [line for line in said if "checksums right" in line]
    path = sorted(packed.glob("train*"))[1]
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + b"?" + whole[201:])
    with pytest.raises(InputError, match=f"{path.name}: has another checksum"):
        pack(folder, packed, say=list)
    path.unlink()
    said.clear()
    pack(folder, packed, say=said.append)
    assert len(said) == 1
    assert path.read_bytes() == whole
    write_folders(tmp_path / "other", {"a": 3, "b": 3})
    with pytest.raises(InputError, match="of other pictures than the source"):
        pack(tmp_path / "other", packed, say=list)


def test_damage_is_one_line(packed):
    path = sorted(packed.glob("train*"))[0]
    whole = path.read_bytes()
    shard = Shard(path)
    middle = int(shard.starts[2] + shard.lengths[2] // 2)
    path.write_bytes(whole[:middle] + b"????" + whole[middle + 4 :])
    images = load_dataset(packed, 32, stream=True).train.images
    with pytest.raises(InputError, match=r"the picture at byte \d+ has a wrong"):
        images[:]
    path.write_bytes(whole[:-9])
    with pytest.raises(InputError, match=f"{path.name}: has {len(whole) - 9:,} bytes"):
        load_dataset(packed, 32, stream=True)
    path.unlink()
    with pytest.raises(InputError, match=f"{path.name}: no such file"):
        load_dataset(packed, 32, stream=True)
    (packed / "index.npz").write_bytes(b"half")
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"index\.npz: is damaged"):
        load_dataset(packed, 32, stream=True)
    index = json.loads((packed / "index.json").read_text())
    (packed / "index.json").write_text(json.dumps(index)[:-20])
    with pytest.raises(InputError, match=r"index\.json: is no index"):
        load_dataset(packed, 32, stream=True)


def test_a_call_that_was_killed_in_its_first_shard_goes_on(
    folder, packed, tmp_path, monkeypatch
):
    out = tmp_path / "killed"
    with monkeypatch.context() as patch:
        patch.setattr(packing, "_sha256", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            pack(folder, out)
    assert list(out.glob("*.tfrecord"))
    with pytest.raises(InputError, match=r"0 of \d shards are packed"):
        load_dataset(out, 32)
    pack(folder, out)
    assert {path.name for path in out.iterdir()} == {
        path.name for path in packed.iterdir()
    }


def test_the_command_says_what_it_wrote(folder, tmp_path, capsys):
    line = ["pack", str(folder), "--out", str(tmp_path / "out")]
    assert data_command.main(line) == 0
    assert "50 pictures of 2 classes in 2 shards" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"holds a; .*new folder"):
        data_command.main(["pack", str(folder), "--out", str(folder)])


def test_ctrl_c_that_a_library_drops_counts_after_a_shard(
    folder, tmp_path, small_shards, monkeypatch, handlers
):
    signal.signal(signal.SIGINT, signal.default_int_handler)
    write, shards = packing._write_records, []

    def pressed(path, *arguments):
        shards.append(path)
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        write(path, *arguments)

    monkeypatch.setattr(packing, "_write_records", pressed)
    with pytest.raises(KeyboardInterrupt):
        data_command.main(["pack", str(folder), "--out", str(tmp_path / "out")])
    assert len(shards) == 1


# --- shards of others ----------------------------------------------------------------


def write_foreign(
    path, labels, image="image/encoded", label="image/class/label", **more
):
    import tensorflow as tf

    rng = np.random.default_rng(0)

    def feature(value):
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, each in enumerate(labels):
            pixels = rng.integers(0, 256, (32, 32, 3), np.uint8)
            values = {image: tf.io.encode_png(pixels).numpy(), label: each}
            values |= {key: of(number, each) for key, of in more.items()}
            features = {key: feature(value) for key, value in values.items()}
            features["height"] = tf.train.Feature(
                float_list=tf.train.FloatList(value=[32.0, 1.0])
            )
            features["nothing"] = tf.train.Feature()
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def test_shards_of_imagenet_have_labels_from_1(tmp_path):
    names = {"image/class/text": lambda _, label: b"-cat-dog".split(b"-")[label]}
    for part, labels in (("train", [1, 2, 2]), ("validation", [2])):
        for number in range(2):
            path = tmp_path / f"{part}-{number:05d}-of-00002"
            write_foreign(path, labels, **names)
    found = load_dataset(tmp_path, 32, stream=True)
    assert found.class_names == ["cat", "dog"]
    assert found.train.labels.tolist() == [0, 1, 1, 0, 1, 1]
    assert found.test.labels.tolist() == [1, 1]
    said = " ".join(found.notes)
    assert "without an index" in said
    assert "from 1 to 2: 1 is the first class" in said
    assert "named by image/class/text" in said
    assert "validation part is used" in said
    path.unlink()
    with pytest.raises(InputError, match="1 of 2 shards are missing: 1"):
        load_dataset(tmp_path, 32)


def test_shards_of_tfds_have_labels_from_0_and_other_names(tmp_path):
    for part in ("train", "test"):
        path = tmp_path / f"pets-{part}.tfrecord-00000-of-00001"
        write_foreign(path, [0, 1, 1], "image", "label")
    (tmp_path / "label.labels.txt").write_text("cat\ndog\n")
    found = load_dataset(tmp_path, 32)
    assert found.class_names == ["cat", "dog"]
    assert found.train.labels.tolist() == found.test.labels.tolist() == [0, 1, 1]
    assert "Classes are named by label.labels.txt." in found.notes


def test_the_test_part_is_drawn_by_filename(tmp_path):
    path = tmp_path / "all.tfrecord"
    names = {"image/filename": lambda number, _: b"%d.png" % number}
    write_foreign(path, [0, 1] * 20, **names)
    found = load_dataset(path, 32, stream=True)
    assert 0 < len(found.test) < 20
    assert len(found.train) + len(found.test) == 40
    assert any("drawn by its filename with seed 0" in note for note in found.notes)


def test_damage_of_shards_of_others_is_one_line(tmp_path):
    path = tmp_path / "a.tfrecord"
    write_foreign(path, [0, 1] * 3)
    whole = path.read_bytes()
    for data, words in (
        (whole[:-3], "is cut off within record 6"),
        (whole[: len(whole) // 6 + 5], "is cut off within record"),
        (b"", "an empty file"),
        (b"x" * 50, "is no TFRecord file"),
        (whole + b"x" * 50, "is damaged .record 7"),
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match=words):
            load_dataset(path, 32)
    write_foreign(path, [0, 1], label="other")
    with pytest.raises(InputError, match=r"record 1 holds .*other.*; expected"):
        load_dataset(path, 32)
