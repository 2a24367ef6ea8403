"""How fast and how accurate is reading on a CPU?

    python benchmarks/reading.py --data ../shared/data/ic03/gt.txt --peers

Measures every preset in every backend, each in its own process, limited to 1 and to 2 cores: the seconds from the start
of the process to its first answer; the latency of one crop; words per second in batches of 64; the network's operations
per second in these batches, beside those of a large matrix product in the same number format, measured right afterwards
in the same process; and, of released weights, the word accuracy. Times are those of `read` and `read_many` on encoded
images, with decoding of the image, resizing, the network and decoding of the text. Presets without released weights get
random ones; they are as fast as trained ones, as each crop is looked at once. With `--second-look`, crops that the
network is unsure of are looked at again, as is the default of `grcnn-ocr read`.

`--peers` also measures Tesseract (one process for a list of images) and PP-OCRv4 (rapidocr-onnxruntime, its recogniser
alone). The latter runs in a Python interpreter of its own, `--peer-python`, at the fastest of several batch sizes,
which its row names. If they are not installed, their rows say so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

BACKENDS = ("torch unfolded", "torch float32", "torch bf16", "onnxruntime float32", "onnxruntime int8")
BATCH_SIZE = 64
NUM_SINGLE = 200
PEER_BATCH_SIZES = (1, 6, 16, 64)
PEER = """
import json, os, sys, time
start = time.time()
import cv2
from rapidocr_onnxruntime.ch_ppocr_rec import TextRecognizer
import rapidocr_onnxruntime, yaml, pathlib
root = pathlib.Path(rapidocr_onnxruntime.__file__).parent
config = yaml.safe_load((root / "config.yaml").read_text())["Rec"]
threads = int(os.environ["OMP_NUM_THREADS"])
config |= {"model_path": str(root / config["model_path"]), "intra_op_num_threads": threads, "inter_op_num_threads": 1,
           "rec_batch_num": int(sys.argv[1]), "use_cuda": False, "use_dml": False}
reader = TextRecognizer(config)
def read(paths):
    return [item[0] for item in reader([cv2.imread(path) for path in paths])[0]]
paths = sys.argv[2:]
read(paths[:1])
cold = time.time() - start
single = []
for path in paths[:200]:
    begin = time.perf_counter()
    read([path])
    single.append(time.perf_counter() - begin)
begin = time.perf_counter()
texts = read(paths)
print(json.dumps({"cold": cold, "single": single, "rate": len(paths) / (time.perf_counter() - begin), "texts": texts}))
"""


def main() -> None:
    """Print a row for each preset, backend and number of cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ic03/gt.txt"), help="labelled words")
    parser.add_argument("--calibration", type=Path, help="labelled words to calibrate int8 with; default: the samples")
    parser.add_argument("--presets", nargs="*", help="default: all")
    parser.add_argument("--backends", nargs="*", default=BACKENDS)
    parser.add_argument("--cores", nargs="*", type=int, default=(1, 2))
    parser.add_argument("--num", type=int, default=1000, help="number of images to time, repeating the data")
    parser.add_argument("--second-look", action="store_true", help="for released weights: random ones are never sure")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter with rapidocr-onnxruntime")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(*arguments.worker)
        return
    from heading import print_heading

    from grcnn_ocr.config import list_configs
    from grcnn_ocr.datasets.words import open_words

    source = open_words(arguments.data)
    calibration = arguments.calibration or Path(__file__).parents[1] / "data" / "samples" / "labels.tsv"
    details = [f"{len(source)} images of {arguments.data}", f"batches of {BATCH_SIZE}", f"int8 by {calibration}"]
    print_heading("Reading on a CPU", *details)
    print("| network | backend | cores | cold start s | one crop ms | 95 % | words/s | GFLOP/s | of | word accuracy |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        job = {"images": [], "num": arguments.num, "second_look": arguments.second_look}
        for index in range(len(source)):
            path = folder / f"{index:06}.img"
            path.write_bytes(source.image(index))
            job["images"].append(str(path))
        labels = [source.label(index) for index in range(len(source))]
        for name in arguments.presets or list_configs():
            released = prepare(name, folder, arguments.backends, calibration)
            job |= {"compare": released, "macs": mean_macs(folder / f"{name}.safetensors", job["images"])}
            for backend in arguments.backends:
                for cores in arguments.cores:
                    job |= {"weights": str(folder / f"{name}.safetensors"), "readers": str(folder / name)}
                    (folder / "job.json").write_text(json.dumps(job))
                    command = [sys.executable, __file__, "--worker", backend, str(folder / "job.json")]
                    print_row(name, backend, cores, measure(command, cores), labels if released else None)
        if arguments.peers:
            for cores in arguments.cores:
                tesseract(job["images"], cores, labels)
                paddle(arguments.peer_python, job["images"], cores, labels)


def prepare(name: str, folder: Path, backends: tuple[str, ...], calibration: Path) -> bool:
    """Write the weights and the exported readers of a preset; return whether the weights are released ones."""
    import torch

    from grcnn_ocr.build import build_model
    from grcnn_ocr.config import load_config
    from grcnn_ocr.datasets.words import open_words
    from grcnn_ocr.export import export_reader
    from grcnn_ocr.releases import released_weights
    from grcnn_ocr.weights import Weights, load_weights, save_weights

    path = released_weights().get(name)
    torch.manual_seed(0)
    config = load_config(name)
    weights = load_weights(path) if path else Weights(build_model(config), config)
    save_weights(folder / f"{name}.safetensors", weights)
    for backend in backends:
        if backend.startswith("onnxruntime"):
            precision = backend.split()[1]
            export_reader(weights, folder / name / precision, open_words(calibration), precision)  # type: ignore[arg-type]
    return path is not None


def mean_macs(weights: Path, images: list[str]) -> float:
    """Return the mean number of multiply-adds of the network per crop."""
    import torch

    from grcnn_ocr.build import build_preprocessor
    from grcnn_ocr.models.cost import count_macs
    from grcnn_ocr.pixels import decode
    from grcnn_ocr.weights import load_weights

    loaded = load_weights(weights)
    preprocessor = build_preprocessor(loaded.config.preprocess)
    resized = (preprocessor.resize(decode(Path(path).read_bytes())) for path in images)
    widths = Counter(preprocessor.padded_width(image) for image in resized)
    costs = {
        width: count_macs(loaded.model, torch.zeros(1, 1, preprocessor.height, width), torch.tensor([width]))
        for width in widths
    }
    return sum(costs[width] * number for width, number in widths.items()) / len(images)


def measure(command: list[str], cores: int) -> dict[str, Any]:
    """Run a worker on this many cores; return what it measured, such as the seconds to its first answer."""
    environment = os.environ | {"OMP_NUM_THREADS": str(cores), "BENCHMARK_START": repr(time.time())}
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    found = subprocess.run(
        command, env=environment, preexec_fn=lambda: os.sched_setaffinity(0, allowed), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if found.returncode:
        raise RuntimeError(f"{' '.join(command[:5])} failed:\n{found.stderr[-2000:]}")
    return json.loads(found.stdout.splitlines()[-1])


def work(backend: str, job_file: str) -> None:
    """Measure one backend in this process, and print the results as JSON."""
    job = json.loads(Path(job_file).read_text())
    images = [Path(path).read_bytes() for path in job["images"]]
    reader = open_reader(backend, job)
    reader.read(images[0])
    cold = time.time() - float(os.environ["BENCHMARK_START"])
    single = []
    for image in images[: NUM_SINGLE + 10]:
        start = time.perf_counter()
        reader.read(image)
        single.append(time.perf_counter() - start)
    many = (images * -(-job["num"] // len(images)))[: job["num"]]
    reader.read_many(many[:BATCH_SIZE])
    start = time.perf_counter()
    reader.read_many(many)
    rate = len(many) / (time.perf_counter() - start)
    texts = [prediction.text for prediction in reader.read_many(images)] if job["compare"] else []
    found = {"cold": cold, "single": single[10:], "rate": rate, "texts": texts}
    import torch
    from train_throughput import matmul_peak

    dtype = {"int8": torch.int8, "bf16": torch.bfloat16}.get(backend.split()[1], torch.float32)
    if not job["second_look"]:  # otherwise unknown
        found["flops"] = 2 * job["macs"] * rate  # a multiplication and an addition
    print(json.dumps(found | {"peak": matmul_peak(dtype, torch.device("cpu"))}))


def open_reader(backend: str, job: dict[str, Any]) -> Any:
    """Return the reader of a backend."""
    library, kind = backend.split()
    if library == "onnxruntime":
        from grcnn_ocr.runtime import Reader

        return Reader(Path(job["readers"]) / kind, BATCH_SIZE, second_look=job["second_look"])
    import torch

    from grcnn_ocr.reading import Recognizer
    from grcnn_ocr.weights import load_weights

    weights = load_weights(job["weights"])
    precision = "bf16" if kind == "bf16" else "float32"
    recognizer = Recognizer(weights, "cpu", BATCH_SIZE, precision, second_look=job["second_look"])
    if kind == "unfolded":
        recognizer.model = weights.model.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return recognizer


def print_row(name: str, backend: str, cores: int, found: dict[str, Any], labels: list[str] | None) -> None:
    """Print a row of results; without labels, it has no accuracy."""
    import numpy as np

    median, late = (1000 * value for value in np.percentile(found["single"], (50, 95)))
    giga = f"{found['flops'] / 1e9:.0f} | {found['peak'] / 1e9:.0f}" if "flops" in found else "- | -"
    figures = f"{found['cold']:.1f} | {median:.1f} | {late:.1f} | {found['rate']:.0f} | {giga}"
    accuracy = "-" if labels is None else f"{100 * word_accuracy(found['texts'], labels):.1f}"
    print(f"| {name} | {backend} | {cores} | {figures} | {accuracy} |", flush=True)


def word_accuracy(texts: list[str], labels: list[str]) -> float:
    """Return the share of texts that are right, comparing letters and digits without case."""
    from grcnn_ocr.evaluation.protocol import ALPHANUMERIC

    fold = ALPHANUMERIC.fold
    return sum(fold(text) == fold(label) for text, label in zip(texts, labels, strict=True)) / len(labels)


def tesseract(images: list[str], cores: int, labels: list[str]) -> None:
    """Print the row of Tesseract, which takes each image as one word (--psm 8)."""
    program = shutil.which("tesseract")
    if program is None:
        print(f"| Tesseract | not installed | {cores} | | | | | | | |", flush=True)
        return
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()[1]
    environment = os.environ | {"OMP_THREAD_LIMIT": str(cores)}
    allowed = sorted(os.sched_getaffinity(0))[:cores]

    def run(paths: list[str]) -> tuple[float, list[str]]:
        listed = Path(images[0]).with_name("list.txt")
        listed.write_text("\n".join(paths) + "\n")
        start = time.perf_counter()
        found = subprocess.run(
            [program, str(listed), "stdout", "--psm", "8"], env=environment, capture_output=True, text=True, check=True,
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        )  # fmt: skip
        pages = found.stdout.split("\f")[: len(paths)]
        return time.perf_counter() - start, [re.sub(r"\s", "", page) for page in pages]

    cold = min(run(images[:1])[0] for _ in range(3))
    seconds, texts = run(images)
    each = (seconds - cold) / (len(images) - 1)  # without the start of the process
    found = {"cold": cold, "single": [each], "rate": 1 / each, "texts": texts}
    print_row("Tesseract", version, cores, found, labels)


def paddle(python: str, images: list[str], cores: int, labels: list[str]) -> None:
    """Print the row of PP-OCRv4's recogniser, at its fastest batch size."""
    known = subprocess.run([python, "-c", "import rapidocr_onnxruntime"], capture_output=True, check=False)
    if known.returncode:
        print(f"| PP-OCRv4 | rapidocr-onnxruntime is not installed in {python} | {cores} | | | | | | | |", flush=True)
        return
    by_size = {size: measure([python, "-c", PEER, str(size), *images], cores) for size in PEER_BATCH_SIZES}
    best = max(by_size, key=lambda size: by_size[size]["rate"])
    print_row("PP-OCRv4", f"rapidocr-onnxruntime, batches of {best}", cores, by_size[best], labels)


if __name__ == "__main__":
    main()
