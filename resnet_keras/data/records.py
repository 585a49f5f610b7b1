"""Records of TFRecord files, and the examples in them, without TensorFlow.

A record is its length, a checksum of that, the bytes, and a checksum of those. An
example is a Protocol Buffers message of named lists. Only what is asked for is looked
at: of a record of 100 kB a few hundred bytes, so that a file of any size is walked
through at once.

Source: tensorflow.org/tutorials/load_data/tfrecord and `example.proto`,
`feature.proto` of TensorFlow.
"""

import mmap
import struct

from resnet_keras.errors import InputError

_HEAD = struct.Struct("<QI")  # length, and its masked checksum
_POLYNOMIAL = 0x82F63B78  # of CRC-32C, reversed


def walk(path):
    """Yield (start, end) of each record of a TFRecord file, and the file's bytes.

    Raises:
        InputError: it is no TFRecord file, or is damaged or cut off; the checksums of
            the records themselves are not looked at.
    """
    with open(path, "rb") as file:
        size = file.seek(0, 2)
        if not size:
            raise InputError(f"{path}: an empty file; expected records.")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with data:
        start = number = 0
        while start < size:
            number += 1
            if start + _HEAD.size > size:
                raise _cut_off(path, number, start)
            length, checksum = _HEAD.unpack_from(data, start)
            if masked_checksum(data[start : start + 8]) != checksum:
                what = "is no TFRecord file" if number == 1 else "is damaged"
                raise InputError(
                    f"{path}: {what} (record {number}, at byte {start}, has a length "
                    "whose checksum is wrong). Copy or write it again."
                )
            start += _HEAD.size
            if start + length + 4 > size:
                raise _cut_off(path, number, start)
            yield start, start + length, data
            start += length + 4


def _cut_off(path, number, start):
    return InputError(
        f"{path}: is cut off within record {number}, at byte {start}. Copy or write it "
        "again."
    )


def masked_checksum(data):
    """Return the checksum of a few bytes as TFRecord files have it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def _row(value):
    for _ in range(8):
        value = (value >> 1) ^ (_POLYNOMIAL if value & 1 else 0)
    return value


_TABLE = tuple(map(_row, range(256)))


def features(data, start, end):
    """Return the features of the example that lies between two bytes.

    Args:
        data: bytes, or a mapped file.
        start, end: of the example.

    Returns:
        Dictionary from names to the first value of each: (start, end) of bytes, or an
        int; features of floats, and empty ones, are left out.

    Raises:
        ValueError: it is no example.
    """
    found = {}
    for _, first, last in _fields(data, start, end, 1):
        for _, inner, entry_end in _fields(data, first, last, 1):
            name = value = None
            for number, begin, stop in _fields(data, inner, entry_end):
                if number == 1:
                    name = data[begin:stop].decode("utf-8", "replace")
                elif number == 2:
                    value = _value(data, begin, stop)
            if value is not None:
                found[name] = value
    return found


def _value(data, start, end):
    """Return the first value of a feature: field 1 is of bytes, 3 of integers."""
    for kind, begin, stop in _fields(data, start, end):
        for number, first, last in _fields(data, begin, stop):
            if kind == 1 and number == 1:
                return first, last
            if kind == 3 and number == 1:
                value = first if last is None else _integer(data, first)[0]
                return value - (1 << 64) if value >= 1 << 63 else value
    return None


def _fields(data, start, end, wanted=None):
    """Yield (number, start, end) of the fields of a message; (number, value, None)."""
    while start < end:
        key, start = _integer(data, start)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, start = _integer(data, start)
            found = number, value, None
        elif kind in (1, 2, 5):
            length = {1: 8, 5: 4}.get(kind)
            if length is None:
                length, start = _integer(data, start)
            found = number, start, start + length
            start += length
        else:
            raise ValueError("no example")
        if start > end:
            raise ValueError("no example")
        if wanted in (None, number):
            yield found


def _integer(data, start):
    value = shift = 0
    while True:
        byte = data[start]
        start += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, start
        shift += 7
        if shift > 63:
            raise ValueError("no example")
