"""Every format gives back the pictures that were written, and says what is wrong with a damaged file."""

import pickle

import numpy as np
import pytest
from archives import (
    CIFAR,
    LABELS,
    NAMES,
    PIXELS,
    mnist,
    picture_files,
    png,
    write_folder,
    write_svhn,
    write_tar,
    write_zip,
)
from conftest import shared

from grcnn_ocr.datasets.images.open_images import open_images
from grcnn_ocr.datasets.images.prepare import decode_color


@pytest.mark.parametrize("release", CIFAR)
@pytest.mark.parametrize("write", [write_folder, write_tar])
def test_cifar_archives_and_folders(release, write, tmp_path):
    path = write(tmp_path / "cifar.tar.gz", CIFAR[release]())
    train, test = open_images(path, "train"), open_images(path, "test")
    assert (train.pixels == PIXELS).all() and (train.labels == LABELS).all() and train.classes == NAMES
    assert (test.pixels == PIXELS[:3]).all() and (test.labels == LABELS[:3]).all()
    assert train.place(4) == f"{path}: picture 4"


def test_mnist(tmp_path):
    folder = write_folder(tmp_path, mnist())
    train, test = open_images(folder, "train"), open_images(folder, None)
    assert (train.pixels[..., 0] == PIXELS[:, 2:30, 2:30, 0]).all() and (train.labels == LABELS).all()
    assert len(test) == 3 and train.classes == [str(digit) for digit in range(10)]


def test_svhn_has_its_zeros_as_class_0(tmp_path):
    folder = write_svhn(tmp_path / "svhn")
    train, test = open_images(folder, "train"), open_images(folder, "test")
    assert (train.pixels == PIXELS).all() and (train.labels == LABELS).all() and len(test) == 3
    assert (open_images(folder / "test_32x32.mat", "train").pixels == PIXELS[:3]).all()


@pytest.mark.parametrize("write", [write_folder, write_zip])
@pytest.mark.parametrize("root", ["", "animals/"])
def test_folders_of_pictures_plain_and_zipped(write, root, tmp_path, caplog):
    with caplog.at_level("INFO"):
        train = open_images(write(tmp_path / "animals.zip", picture_files(root)), "train")
    assert "1 files are not pictures" in caplog.text
    assert train.classes == ["cat", "dog"] and len(train) == 8
    for index in range(8):
        number = int(train.place(index).rpartition("/")[2].removesuffix(".png"))
        assert (decode_color(train.image(index), 3) == PIXELS[number]).all()
        assert train.labels[index] == (0 if number % 2 else 1)
    assert len(open_images(tmp_path / "animals.zip", None)) == 2


def test_folders_without_splits_are_trained_on_or_evaluated_whole(tmp_path):
    write_folder(tmp_path, {"a/1.png": png(PIXELS[0]), "b/1.PNG": png(PIXELS[1]), "2.png": png(PIXELS[2])})
    assert len(open_images(tmp_path, "train")) == len(open_images(tmp_path, None)) == 2
    with pytest.raises(ValueError, match="no split 'test'"):
        open_images(tmp_path, "test")


def test_validation_pictures_beside_test_ones_are_left_aside(tmp_path, caplog):
    files = {f"{split}/{name}/1.png": png(PIXELS[0]) for split in ("train", "val", "test") for name in "ab"}
    with caplog.at_level("INFO"):
        found = open_images(write_folder(tmp_path, files), "test")
    assert found.names == ["test/a/1.png", "test/b/1.png"]
    assert "2 pictures are in no class's folder of train or test and are left aside" in caplog.text


def test_a_class_that_the_test_split_lacks_keeps_its_number(tmp_path):
    files = {name: png(PIXELS[0]) for name in ("train/a/1.png", "train/b/1.png", "test/b/2.png")}
    assert open_images(write_folder(tmp_path, files), "test").labels.tolist() == [1]


def test_a_pickle_that_would_call_something_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("called",)

    files = {**CIFAR["cifar10_python"](), "data_batch_3": pickle.dumps({b"data": Evil()}, protocol=2)}
    with pytest.raises(ValueError, match=r"data_batch_3 cannot be read .*__builtin__\.print, which is not called"):
        open_images(write_folder(tmp_path, files), "train")


def test_damaged_archives_are_named(tmp_path):
    whole = write_tar(tmp_path / "cifar.tar.gz", CIFAR["cifar10_python"]())
    whole.write_bytes(whole.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"cifar\.tar\.gz is damaged or truncated"):
        open_images(whole, "train")
    zipped = write_zip(tmp_path / "animals.zip", picture_files())
    zipped.write_bytes(zipped.read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"animals\.zip is damaged or truncated"):
        open_images(zipped, "train")
    svhn = write_svhn(tmp_path / "svhn")
    (svhn / "train_32x32.mat").write_bytes((svhn / "train_32x32.mat").read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"train_32x32\.mat is damaged or truncated"):
        open_images(svhn, "train")


@pytest.mark.parametrize(
    ("release", "name", "data", "message"),
    [
        (CIFAR["cifar10_python"], "data_batch_2", b"", "data_batch_2 cannot be read as one of CIFAR's pickles"),
        (CIFAR["cifar10_python"], "data_batch_2", pickle.dumps([1], 2), "data_batch_2 holds a list"),
        (CIFAR["cifar10_python"], "data_batch_2", pickle.dumps({b"data": 1}, 2), "no entry 'labels'"),
        (CIFAR["cifar100_python"], "train", None, "no train, of which its split 'train' consists"),
        (CIFAR["cifar10_binary"], "data_batch_1.bin", b"\0" * 3000, "3000 bytes, expected a multiple of 3073"),
        (CIFAR["cifar100_binary"], "train.bin", b"\x01\xff" + b"\0" * 3072, r"labels \[255\], expected 0 to 9"),
        (
            mnist,
            "train-images-idx3-ubyte.gz",
            mnist()["train-images-idx3-ubyte.gz"][:500],
            "images-idx3-ubyte.gz is dam",
        ),
        (mnist, "train-labels-idx1-ubyte.gz", None, "no train-labels-idx1-ubyte.gz"),
        (mnist, "t10k-images-idx3-ubyte", mnist()["t10k-images-idx3-ubyte"][:500], "t10k.* holds 484 values"),
        (mnist, "t10k-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x01\x05", "3 pictures but 1 labels"),
        (mnist, "t10k-labels-idx1-ubyte", b"junk", "is not an idx file"),
    ],
)
def test_damaged_files_are_named(release, name, data, message, tmp_path):
    files = release()
    folder = write_folder(tmp_path, {**files, name: data} if data is not None else files)
    if data is None:
        (folder / name).unlink()
    with pytest.raises(ValueError, match=message):
        open_images(folder, "test" if name.startswith("t10k") else "train")


def test_a_picture_that_is_gone_is_named(tmp_path):
    found = open_images(write_folder(tmp_path, picture_files()), "train")
    (tmp_path / found.names[0]).unlink()
    with pytest.raises(ValueError, match=rf"{found.names[0]} cannot be read: No such file"):
        found.image(0)


def test_what_holds_no_classes_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no pictures .*nowhere"):
        open_images(tmp_path / "nowhere", "train")
    with pytest.raises(ValueError, match="pictures of 0 classes"):
        open_images(tmp_path, "train")
    write_folder(tmp_path, {"cat/1.png": png(PIXELS[0])})
    with pytest.raises(ValueError, match="pictures of 1 classes, 'cat'; expected two or more"):
        open_images(tmp_path, "train")


def test_the_real_releases_are_read():
    digits = open_images(shared("data/mnist"), "train")
    assert digits.pixels.shape == (60_000, 28, 28, 1)
    assert np.bincount(digits.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    pictures = open_images(shared("data/cifar10_jpeg.zip"), None)
    assert np.bincount(pictures.labels).tolist() == [1000] * 10 and pictures.classes[3] == "cat"
