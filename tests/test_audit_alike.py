from pathlib import Path

import numpy as np
import pytest

from resnet_keras import hands, load_dataset
from resnet_keras.audit.alike import ALIKE, EXACT, NEAR, Pair, find_alike, groups
from tests.audit_cases import ALTERED, cropped, plant

SIGNS = Path(__file__).resolve().parents[2] / "shared" / "data" / "signs"


@pytest.fixture(scope="module")
def images():
    return hands.render(40, 64).images


@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_copy_is_a_near_copy(images, name):
    rng = np.random.default_rng(0)
    copies = np.stack([ALTERED[name](image, rng) for image in images[:20]])
    pairs = find_alike(np.concatenate([images, copies]))
    near = {(pair.first, pair.second) for pair in pairs if pair.kind in (NEAR, EXACT)}
    assert near == {(row, 40 + row) for row in range(20)}
    assert all((pair.how == "mirrored") == (name == "mirrored") for pair in pairs)


def test_a_cropped_copy_is_alike(images):
    rng = np.random.default_rng(0)
    copies = np.stack([cropped(image, rng) for image in images])
    pairs = find_alike(np.concatenate([images, copies]))
    found = {(pair.first, pair.second) for pair in pairs}
    # Of 800 crops of photographs and drawings 98 % were found.
    assert len(found) >= 38
    assert found <= {(row, 40 + row) for row in range(40)}


def test_different_pictures_are_not_alike(images):
    assert find_alike(images) == []


def test_pictures_of_one_colour_are_like_none_but_equal_ones():
    levels = np.array([10, 10, 90, 200])
    images = np.broadcast_to(levels[:, None, None, None], (4, 32, 32, 3))
    assert find_alike(images.astype(np.uint8)) == [Pair(0, 1, EXACT, 1.0)]


def test_many_equal_pictures_do_not_hide_an_altered_one(images):
    many = np.concatenate([images[:1].repeat(150, 0), images[1:], images[:1, :, ::-1]])
    pairs = find_alike(many)
    last = len(many) - 1
    assert sum(pair.kind == EXACT for pair in pairs) == 149
    # The altered one is paired with each of its 150 originals.
    assert {pair.first for pair in pairs if pair.second == last} == set(range(150))


def test_queries_are_compared_with_the_others_only(images):
    both = np.concatenate([images[:10], images[:5], images[:5]])
    is_query = np.arange(len(both)) >= 15
    found = {(pair.first, pair.second) for pair in find_alike(both, is_query)}
    assert found == {(row, 15 + row) for row in range(5)}


def test_groups_connect_what_pairs_connect():
    pairs = [Pair(0, 2, EXACT, 1.0), Pair(2, 5, NEAR, 0.98), Pair(3, 4, NEAR, 0.98)]
    assert groups(6, pairs).tolist() == [0, 1, 0, 3, 3, 0]


def with_copies(train, test):
    """Return the rows of test images that have a copy, exact or near, in training."""
    both = np.concatenate([train, test])
    pairs = find_alike(both, np.arange(len(both)) >= len(train))
    return {pair.second - len(train) for pair in pairs if pair.kind != ALIKE}


@pytest.mark.slow
@pytest.mark.parametrize("source", ["signs", "hands"])
def test_planted_copies_are_found(source):
    """Plant copies of 5 % of the test images 20 times, and count what is found.

    Some photographs have copies in training by nature. These are neither planted nor
    counted as found, so each test image that is found and was not planted is an error.
    """
    if source == "signs":
        if not SIGNS.exists():
            pytest.skip("no photographs here")
        dataset = load_dataset(SIGNS)
        train, test = dataset.train.images, dataset.test.images
    else:
        train = hands.render(1080, 64).images
        test = hands.render(120, 64, start=hands.TEST_START).images
    before = with_copies(train, test)
    free = np.setdiff1d(np.arange(len(test)), [*before])
    num_planted = num_hits = num_found = 0
    for seed in range(20):
        rows = np.random.default_rng(seed).permutation(free)[: round(0.05 * len(test))]
        found = with_copies(np.concatenate([train, plant(test, rows, seed)]), test)
        num_planted += len(rows)
        num_hits += len(found & {*rows.tolist()})
        num_found += len(found - before)
    print(
        f"{source}: {num_planted} planted, {num_hits} of them found, and "
        f"{num_found - num_hits} others; {len(before)} of {len(test)} test images had "
        "a copy before"
    )
    assert num_hits / num_planted >= 0.9
    assert num_hits / num_found >= 0.9
