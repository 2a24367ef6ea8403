import cv2
import numpy as np
import pytest

from grcnn_ocr.datasets.jpeg import is_cut_short

KINDS = {
    "baseline": [],
    "progressive": [cv2.IMWRITE_JPEG_PROGRESSIVE, 1],
    "optimised": [cv2.IMWRITE_JPEG_OPTIMIZE, 1],
    "restarts": [cv2.IMWRITE_JPEG_RST_INTERVAL, 4],
}


def encoded(kind: str, num_channels: int) -> bytes:
    noise = np.random.default_rng(0).integers(0, 255, (60, 140, num_channels), np.uint8)
    return cv2.imencode(".jpg", cv2.GaussianBlur(noise, (5, 5), 2), KINDS[kind])[1].tobytes()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("num_channels", [1, 3])
def test_data_missing_before_the_end_marker_are_found_and_only_then(kind, num_channels):
    data = encoded(kind, num_channels)
    assert not is_cut_short(data)
    assert not is_cut_short(data + b"more after the end")
    assert not is_cut_short(data[:-2] + b"\0\0" + data[-2:])
    for missing in (20, 300, 600):
        assert is_cut_short(data[: -2 - missing] + data[-2:]), missing


def test_what_is_no_jpeg_or_cannot_be_opened_is_not_for_this_to_say():
    assert not is_cut_short(b"")
    assert not is_cut_short(b"\x89PNG")
    assert not is_cut_short(b"\xff\xd8\xff\xda\0\x02\xff\xd9")
