"""Reading without torch, from a folder that `grcnn-ocr export` wrote: images in, predictions out.

It needs only numpy, OpenCV and onnxruntime; Pillow for PIL images, regex for patterns.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grcnn_ocr.decoding.confidence import Calibration
from grcnn_ocr.loading import num_cores
from grcnn_ocr.pixels import Pixels
from grcnn_ocr.preprocess import Preprocessor
from grcnn_ocr.reader import BaseReader
from grcnn_ocr.releases import DEFAULT, DESCRIPTION, RELEASED, released_readers, released_weights
from grcnn_ocr.text.charset import Charset

FORMAT = "grcnn-ocr-reader/1"


@dataclass(frozen=True)
class FrameCount:
    """How many frames the network makes of an image: T = (width + add) // divide.

    However many convolutions and poolings are stacked, their divisions compose to a single one.
    """

    add: int
    divide: int

    def __call__(self, width: Any) -> Any:
        """Return T for a width, or an array of widths, in pixels."""
        return (width + self.add) // self.divide


@dataclass(frozen=True)
class ReaderDescription:
    """What `reader.json` holds.

    Attributes:
        name: of the weights.
        network: name of the ONNX file: images (B, 1, H, W), normalised, to log_probs (B, T, K).
        sha256: digest of that file.
        precision: "float32", "float16" (only the stored weights) or "int8".
        charset: see `Charset`.
        preprocessor: see `Preprocessor`.
        calibration: see `Calibration`.
        frames: see `FrameCount`.
        made_by: versions of the packages that wrote it.
        checks: how far the network is from the one that was exported.
    """

    name: str
    network: str
    sha256: str
    precision: str
    charset: Charset
    preprocessor: Preprocessor
    calibration: Calibration
    frames: FrameCount
    made_by: dict[str, str]
    checks: dict[str, Any]

    def to_json(self) -> str:
        """Return the text of `reader.json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> ReaderDescription:
        """Parse the text of `reader.json`.

        Raises:
            ValueError: if it is not of this format.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.pop("format", None) != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        parts = {"charset": Charset, "preprocessor": Preprocessor, "calibration": Calibration, "frames": FrameCount}
        try:
            return cls(**{key: parts[key](**value) if key in parts else value for key, value in values.items()})
        except TypeError as error:
            raise ValueError(str(error)) from None


class Reader(BaseReader):
    """Reads cropped word images with an exported network: on a CPU the fastest to start, and on single crops.

    Args:
        folder: a folder that `grcnn-ocr export` wrote, the `reader.json` in it, or the name of a released reader; by
            default `releases.DEFAULT`.
        batch_size: images per forward pass.
        threads: of the network; by default OMP_NUM_THREADS, as in torch, or the number of cores. Several batches run
            side by side, one thread each; a single batch has all threads.
        charset: the charset to read in, such as "alnum36"; by default the network's. See `BaseReader`.
        second_look: whether to look again at crops that were not read confidently; see `BaseReader`.

    Raises:
        ValueError: if there is no exported reader, or its network is not the one that `reader.json` describes.

    Example:
        >>> reader = Reader()
        >>> reader.read("sign.png", lexicon=["open", "closed"]).text
    """

    def __init__(
        self,
        folder: str | Path | None = None,
        batch_size: int = 64,
        threads: int | None = None,
        charset: str | Charset | None = None,
        second_look: bool = True,
    ) -> None:
        self._start(*_open(_find(folder)), batch_size, threads, charset, second_look)

    @classmethod
    def of(cls, description: ReaderDescription, network: bytes) -> Reader:
        """Return a reader of what a folder would hold, which takes no second look."""
        reader = cls.__new__(cls)
        reader._start(description, network, second_look=False)
        return reader

    def _start(
        self,
        description: ReaderDescription,
        network: bytes,
        batch_size: int = 64,
        threads: int | None = None,
        charset: str | Charset | None = None,
        second_look: bool = True,
    ) -> None:
        super().__init__(
            description.charset, description.preprocessor, description.calibration, batch_size, charset, second_look
        )
        if threads is not None and threads < 1:
            raise ValueError(f"threads {threads}: expected 1 or more")
        self.description = description
        self._network = network
        self._threads = _default_threads() if threads is None else threads
        self._session = start_session(network, self._threads)

    def num_frames(self, width: int) -> int:
        """Return T for an image of `width` pixels."""
        return int(self.description.frames(width))

    @cached_property
    def _single_threaded(self) -> Any:
        """A session that runs in the calling thread."""
        return start_session(self._network, 1)

    def _run(self, batches: Sequence[Sequence[Pixels]]) -> Iterable[tuple[NDArray[np.float32], list[int]]]:
        if self._threads == 1 or len(batches) == 1 or 2 * len(batches) < self._threads:
            return super()._run(batches)
        return self._side_by_side(batches)

    def _side_by_side(self, batches: Sequence[Sequence[Pixels]]) -> Iterator[tuple[NDArray[np.float32], list[int]]]:
        session = self._single_threaded
        with ThreadPoolExecutor(self._threads, thread_name_prefix="network") as pool:  # a forked child would have none
            yield from pool.map(lambda batch: self._log_probs(session, *self._stacked(batch)), batches)

    def _forward(self, images: NDArray[np.float32], widths: NDArray[np.int64]) -> tuple[NDArray[np.float32], list[int]]:
        return self._log_probs(self._session, images, widths)

    def _log_probs(
        self, session: Any, images: NDArray[np.float32], widths: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], list[int]]:
        (log_probs,) = session.run(["log_probs"], {"images": images})
        return log_probs, self.description.frames(widths).tolist()


def _default_threads() -> int:
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(wanted) if wanted.isdecimal() and int(wanted) else num_cores()


def start_session(network: bytes, threads: int) -> Any:
    """Return an onnxruntime session of a network on the CPU.

    Raises:
        ValueError: if onnxruntime is not installed, or cannot load the network.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError(
            f"onnxruntime cannot be imported ({error}): pip install --force-reinstall onnxruntime; or read in torch, "
            "with `Recognizer` or --device"
        ) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class
        raise ValueError(f"onnxruntime cannot load the network: {str(error).splitlines()[0]}") from None


def _find(folder: str | Path | None) -> Path:
    """Return the folder of a path or a released name; a folder without a reader does not hide a released name."""
    if folder is None:
        return RELEASED / DEFAULT
    return reader_folder(Path(folder)) or released_readers().get(str(folder), Path(folder))


def reader_folder(path: Path) -> Path | None:
    """Return the folder of an exported reader, where `path` is the folder or its `reader.json`; else None."""
    if (path / DESCRIPTION).is_file():
        return path
    return path.parent if path.name == DESCRIPTION and path.is_file() else None


def _open(folder: Path) -> tuple[ReaderDescription, bytes]:
    """Return the description and the network of a folder, checked."""
    path = folder / DESCRIPTION
    if not path.is_file() and str(folder) in released_weights():
        raise ValueError(f"{folder} is released as weights, not as a reader: use `Recognizer`, or export it")
    if not path.is_file():
        raise ValueError(
            f"no {DESCRIPTION} in {folder}; `grcnn-ocr export` writes such a folder (released: "
            f"{', '.join(released_readers()) or 'none'})"
        )
    try:
        description = ReaderDescription.from_json(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} cannot be used: {error}; write it again with `grcnn-ocr export`") from None
    try:
        network = (folder / description.network).read_bytes()
    except OSError as error:
        raise ValueError(f"{folder / description.network}, of {path}: {error.strerror}") from None
    found = hashlib.sha256(network).hexdigest()
    if found != description.sha256:
        raise ValueError(
            f"{folder / description.network}: its SHA-256 is {found[:12]}..., expected {description.sha256[:12]}... of "
            f"{path}: the file was changed or cut short; copy it again"
        )
    return description, network
