"""The page in headless Chromium, driven as a person would."""

import base64
import json
import os
import shutil
import tempfile
from pathlib import Path

import cv2
import pytest
from conftest import SAMPLES
from serve.browser import Browser
from serve.pictures import CLOWN, clown, encoded, tall, turned

from grcnn_ocr.datasets.changes import shrink

pytest.importorskip("fastapi", reason="the serve extra is absent: no test of the server did run")
CHROMIUM = shutil.which("chromium")
CRYSTAL = SAMPLES / "000000001.jpg"
IDLE = "document.querySelector('.card') && !document.querySelector('.waiting')"


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("chromium is absent: the page was not tested; `apt install chromium`")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        Browser(CHROMIUM, Path(profile)) as started,
    ):
        yield started


@pytest.fixture
def page(browser, server):
    """A freshly loaded page; the test fails if it has reported errors by the end."""
    browser.complaints.clear()
    browser.size(1200, 900)
    browser.open(server.address + "/")
    browser.wait("document.documentElement.dataset.ready === 'yes'")
    yield browser
    assert browser.complaints == []


def texts(page):
    return page.run("[...document.querySelectorAll('.text')].map(e => e.textContent)")


def test_chosen_crops_are_read_with_boxes_over_their_characters(page, recognizer):
    page.choose("#files", SAMPLES / "000000002.jpg", CRYSTAL)
    page.wait(IDLE)
    expected = recognizer.read_many([SAMPLES / "000000002.jpg", CRYSTAL], characters=True)
    assert texts(page) == [prediction.text for prediction in expected]
    card = "document.querySelector('.card')"
    assert page.run(f"{card}.querySelector('.meter').getAttribute('aria-valuenow')") == str(
        round(100 * expected[0].confidence)
    )
    boxes = page.run(f"""(() => {{
        const image = {card}.querySelector("img").getBoundingClientRect();
        return [...{card}.querySelectorAll(".boxes span")].map(box => {{
            const at = box.getBoundingClientRect();
            return [box.textContent, (at.left - image.left) * 226 / image.width,
                    (at.right - image.left) * 226 / image.width,
                    at.top - image.top, at.bottom - image.bottom, box.title];
        }});
    }})()""")
    assert [box[0] for box in boxes] == list("CLOWN")
    for (_, left, right, above, below, title), character in zip(boxes, expected[0].characters, strict=True):
        assert left == pytest.approx(character.left, abs=1) and right == pytest.approx(character.right, abs=1)
        assert above == pytest.approx(0, abs=1) and below == pytest.approx(0, abs=1)
        assert title == f"{character.text}: {character.confidence * 100:.1f} %"


def test_a_word_list_changes_the_answer_and_the_open_switch_frees_it(page, recognizer):
    page.choose("#files", CRYSTAL, SAMPLES / "000000002.jpg")
    page.wait(IDLE)
    free = texts(page)
    assert page.run("document.querySelector('#open').disabled") is True
    page.type("#words", "Crystal\nzzzzz\n日本\n")
    page.wait("document.querySelector('.text').textContent === 'Crystal'")
    page.wait(IDLE)
    assert texts(page)[1] != "CLOWN"
    assert "日本" in page.run("document.querySelector('#words-note').textContent")
    assert page.run("document.querySelector('.source').textContent") == "from the list"
    page.run("document.querySelector('#open').click()")
    page.wait("document.querySelectorAll('.text')[1].textContent === 'CLOWN'")
    assert page.run("document.querySelectorAll('.source')[1].textContent") == "read freely"
    page.run("document.querySelector('#words').select()")
    page.call("Input.insertText", text="")
    page.wait(f"document.querySelector('.text').textContent === {json.dumps(free[0])}")
    page.wait("document.querySelector('#open').disabled && !document.querySelector('.source').textContent")


def test_english_words_come_first_if_asked_for_and_not_under_a_list(page, recognizer, tmp_path):
    crops = []
    for number in (67, 142, 167):  # so small that they are misread
        crops.append(tmp_path / f"{number}.png")
        cv2.imwrite(str(crops[-1]), shrink(cv2.imread(str(SAMPLES / f"{number:09d}.jpg"), cv2.IMREAD_GRAYSCALE), 10))
    free, english = (
        [prediction.text for prediction in recognizer.read_many(crops, num_best=3, language_model=model)]
        for model in (None, "english")
    )
    assert free != english, "of these crops one at least is to be read otherwise"
    page.choose("#files", *crops)
    page.wait(IDLE)
    assert texts(page) == free
    page.run("document.querySelector('#english').click()")
    different = next(number for number, pair in enumerate(zip(free, english, strict=True)) if pair[0] != pair[1])
    page.wait(f"document.querySelectorAll('.text')[{different}].textContent === {json.dumps(english[different])}")
    page.wait(IDLE)
    assert texts(page) == english
    page.type("#words", "zzzzz")
    page.wait("document.querySelector('#english').disabled && document.querySelector('.text').textContent === 'zzzzz'")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_pictures_are_dropped_and_pasted(page, way):
    page.run(f"""(() => {{
        const data = new DataTransfer();
        const bytes = Uint8Array.from(atob("{base64.b64encode(CLOWN).decode()}"), c => c.charCodeAt(0));
        data.items.add(new File([bytes], "clown.jpg", {{type: "image/jpeg"}}));
        const event = "{way}" === "drop"
            ? new DragEvent("drop", {{dataTransfer: data, bubbles: true, cancelable: true}})
            : new ClipboardEvent("paste", {{clipboardData: data, bubbles: true, cancelable: true}});
        document.querySelector("#drop").dispatchEvent(event);
    }})()""")
    page.wait(IDLE)
    assert texts(page) == ["CLOWN"]


def test_a_drop_without_a_file_says_so(page):
    page.run("document.dispatchEvent(new DragEvent('drop', {dataTransfer: new DataTransfer()}))")
    assert "holds no file" in page.run("document.querySelector('main > section > .problem').textContent")


def test_bad_files_have_their_own_errors_and_names_are_text(page, tmp_path):
    hostile = tmp_path / "<img src=x onerror=document.title='hit'>.png"
    hostile.write_bytes(b"hello")
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        os.truncate(file.fileno(), 9_000_000)
    page.choose("#files", hostile, large, SAMPLES / "000000002.jpg")
    page.type("#words", "<b>clown</b>\n")
    page.wait("document.querySelectorAll('.text')[2].textContent === '<b>clown</b>'")
    page.wait(IDLE)
    problems = page.run("[...document.querySelectorAll('.card .problem')].map(e => e.hidden ? '' : e.textContent)")
    assert "not a picture" in problems[0] and "at most 8000000" in problems[1] and problems[2] == ""
    assert page.run("document.querySelector('.name').textContent") == hostile.name
    assert page.run("document.title") == "grcnn-ocr"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_turned_pictures_have_their_boxes_over_them(page, tmp_path, kind):
    """As browsers turn them; a TIFF, which Chromium does not show, leaves its place."""
    file = tmp_path / f"turned.{kind.lower()}"
    file.write_bytes(turned(clown(), kind))
    page.choose("#files", file)
    page.wait(IDLE)
    assert texts(page) == ["CLOWN"]
    shape = "document.querySelector('.picture img').getBoundingClientRect()"
    page.wait(f"Math.abs({shape}.width / {shape}.height - 226 / 58) < 0.05")
    if kind != "TIFF":
        natural = page.run("(i => [i.naturalWidth, i.naturalHeight])(document.querySelector('.picture img'))")
        assert natural == [226, 58]


@pytest.mark.parametrize("degrees", [90, 270])
def test_tall_crops_are_read_turned_with_boxes_where_their_characters_stand(page, tmp_path, recognizer, degrees):
    file = tmp_path / "tall.png"
    file.write_bytes(tall(degrees))
    page.choose("#files", file, SAMPLES / "000000002.jpg")
    page.wait(IDLE)
    assert texts(page)[0] != "CLOWN"
    page.run("document.querySelector('#upright').click()")
    page.wait("document.querySelector('.text').textContent === 'CLOWN'")
    page.wait(IDLE)
    assert f"58 x 226, read turned by {360 - degrees}°" in page.run("document.querySelector('.name').textContent")
    prediction = recognizer.read(file, characters=True, upright=True)
    assert prediction.rotation == 360 - degrees
    boxes = page.run("""(() => {
        const card = document.querySelector(".card");
        const image = card.querySelector("img").getBoundingClientRect();
        const room = card.getBoundingClientRect();
        return [...card.querySelectorAll(".boxes span")].map(box => {
            const at = box.getBoundingClientRect();
            const label = box.firstChild.getBoundingClientRect();
            return [box.textContent, (at.top - image.top) * 226 / image.height,
                    (at.bottom - image.top) * 226 / image.height, at.left - image.left, at.right - image.right,
                    image.right <= label.left && label.right <= room.right &&
                    Math.abs(label.top + label.bottom - at.top - at.bottom) < 4];
        });
    })()""")
    assert [box[0] for box in boxes] == list("CLOWN")
    for (_, top, bottom, before, behind, has_label), character in zip(boxes, prediction.characters, strict=True):
        span = (character.left, character.right)
        if prediction.rotation == 90:
            span = (226 - character.right, 226 - character.left)
        assert (top, bottom) == pytest.approx(span, abs=1)
        assert (before, behind) == pytest.approx((0, 0), abs=1) and has_label
    wide = page.run("""(() => {
        const picture = document.querySelectorAll(".picture")[1];
        const box = picture.querySelector(".boxes span").getBoundingClientRect();
        return [picture.className, box.height - picture.querySelector("img").getBoundingClientRect().height];
    })()""")
    assert wide == ["picture", pytest.approx(0, abs=1)]
    page.run("document.querySelector('#upright').click()")
    page.wait("document.querySelector('.text').textContent !== 'CLOWN'")
    assert page.run("document.querySelector('.picture').className") == "picture"


def test_more_pictures_than_a_request_may_hold(page, tmp_path):
    files = [tmp_path / f"{number}.png" for number in range(70)]
    for file in files:
        file.write_bytes(encoded(clown().resize((64, 32))))
    page.choose("#files", *files)
    page.wait("document.querySelectorAll('.card').length === 70 && !document.querySelector('.waiting')")
    assert len(set(texts(page))) == 1 and page.run("document.querySelectorAll('.card.failed').length") == 0
    page.run("document.querySelector('.remove').click()")
    assert page.run("document.querySelectorAll('.card').length") == 69
    page.run("document.querySelector('#clear').click()")
    assert page.run("document.querySelectorAll('.card').length") == 0
    assert page.run("getComputedStyle(document.querySelector('#empty')).display") != "none"


def test_nothing_is_wider_than_a_phone(page):
    page.size(360, 700, mobile=True)
    page.choose("#files", SAMPLES / "000000002.jpg", CRYSTAL)
    page.wait(IDLE)
    assert page.run("document.documentElement.scrollWidth") <= 360


def test_a_server_that_is_gone_is_reported(browser, recognizer):
    from serve.client import served

    from grcnn_ocr.serve.app import create_app

    with served(create_app(recognizer)) as client:
        browser.open(client.address + "/")
        browser.wait("document.documentElement.dataset.ready === 'yes'")
    browser.choose("#files", CRYSTAL)
    browser.wait("!document.querySelector('main > section > .problem').hidden")
    assert "cannot be reached" in browser.run("document.querySelector('main > section > .problem').textContent")


def test_the_description_is_drawn(page, server):
    page.open(server.address + "/docs")
    page.wait("document.querySelectorAll('h2').length === 3")
    assert "POST /read" in page.run("document.body.innerText")
