"""Draw the small crops in data/samples: words in many fonts, with label files and a lexicon.

    python tools/draw_samples.py --fonts /usr/share/fonts --output data/samples

Fonts and words are drawn by a seed, so the same fonts give the same crops. Training and evaluation crops share the
vocabulary, which is what makes a demonstration of a few minutes possible; they share no picture.
"""

from __future__ import annotations

import argparse
import random
import re
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WORDS = """
about above again airport all alley always animal apple april arch arrow art august autumn avenue bakery ball bank bar
basket bath bay beach bell best bike bird black block blue board boat book bottle bowl box bread bridge bright brown
brush build bus butter cabin cafe cake camera camp candle car card care castle cat center chair cheese cherry child
circle city class clean clear clock closed cloud club coast coffee cold color cook copper corner cotton country cream
cross cup daily dance danger dark day december deep delta desk dinner doctor dog door double down dream drink drive dry
eagle early earth east easy egg eight electric empty engine enter evening every exit express eye family farm fast
february field fine fire first fish five flag floor flower food forest fork four free fresh friday front fruit full
game garden gate gift glass gold good grand grape grass great green ground hall hand happy harbor hat heart help high
hill home honey horse hotel hour house ice island jacket january jazz july june jump keep key king kitchen lake lamp
large laundry leaf left lemon letter library light lily limit line lion live long lucky lunch magic mail main map march
market maple may meat metal milk mint mirror monday money moon morning mountain museum music near new night nine north
notice november number ocean october office oil old olive one only open orange order oven owl paint paper park party
path pearl pepper phone piano picnic pilot pine pink pizza plant plate play plaza please pocket pond pool post power
press price prime public pull push quality queen quick quiet radio rail rain red rent repair rest rice right ring river
road rock roof room rose round royal sale salt sand saturday school sea seven shell ship shoe shop shore short sign
silver six sky slow small smart snow soap soft south special speed spoon spring square stage star start station stone
stop store storm street studio sugar summer sun sunday super sweet table tailor taxi tea ten tennis theater three
thursday ticket tiger time today tower town toy track trade train travel tree truck tuesday turn two union upper valley
velvet view village visit wait walk wall warm watch water way wednesday welcome west wheel white wild wind window wine
winter wonder wood world yard year yellow young zebra zero zone zoo
""".split()


FAMILIES = re.compile(
    r"dejavu|liberation|roboto|lato|opensans|cabin-|comfortaa|vollkorn|quattrocento|karla|inter|bebas|play|gillius|"
    r"courierprime|caladea|carlito|dancingscript|lobster|comicneue|quicksand|dosis|montserrat|overpass|ebgaramond|cantarell|"
    r"texgyre|linlibertine|gentium|andika|charis|josefin|oldstandard|yanone|league|b612|hack|firacode|national",
    re.IGNORECASE,
)


LUMA = np.array([0.299, 0.587, 0.114])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fonts", type=Path, required=True, help="folder searched for .ttf and .otf files")
    parser.add_argument("--output", type=Path, default=Path("data/samples"))
    parser.add_argument("--train", type=int, default=1200)
    parser.add_argument("--evaluate", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    fonts = sorted(path for path in arguments.fonts.rglob("*") if path.suffix.lower() in (".ttf", ".otf"))
    fonts = [path for path in fonts if FAMILIES.search(path.name) and draws_latin(path)]
    print(f"{len(fonts)} fonts")
    for name, count, label_file in (
        ("train", arguments.train, "train.tsv"),
        ("words", arguments.evaluate, "labels.tsv"),
    ):
        (arguments.output / name).mkdir(parents=True, exist_ok=True)
        lines, lists = [], []
        for number in range(1, count + 1):
            rng = random.Random(f"{arguments.seed} {name} {number}")
            word = draw_word(rng)
            label, crop = render(word, rng.choice(fonts), rng)
            path = f"{name}/{number:04d}.jpg"
            quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randint(50, 85)]
            cv2.imwrite(str(arguments.output / path), crop, quality)
            lines.append(f"{path}\t{label}\n")
            others = rng.sample([other for other in WORDS if other != word.lower()], 49)
            lists.append(",".join(rng.sample([word.lower(), *others], 50)) + "\n")
        (arguments.output / label_file).write_text("".join(lines), encoding="utf-8")
        if name == "words":
            (arguments.output / "lexicon_50.txt").write_text("".join(lists), encoding="utf-8")


def draws_latin(path: Path) -> bool:
    """Whether a font draws letters and digits, all different (no boxes)."""
    try:
        font = ImageFont.truetype(str(path), 32)
        glyphs = [bytes(font.getmask(char)) for char in "abcdeghkmnqrstABCDEFGHRS23456789"]
    except OSError:
        return False
    return len(set(glyphs)) == len(glyphs)


def draw_word(rng: random.Random) -> str:
    """Return a word of the vocabulary in some case, or now and then a number."""
    if rng.random() < 0.12:
        return str(rng.randint(1, 10 ** rng.randint(1, 4)))
    word = rng.choice(WORDS)
    return rng.choice([word, word.upper(), word.title()])


def render(word: str, font_path: Path, rng: random.Random) -> tuple[str, np.ndarray]:
    """Draw a word; return its label and a BGR crop."""
    font = ImageFont.truetype(str(font_path), rng.randint(22, 36))
    left, top, right, bottom = font.getbbox(word)
    margin = [rng.randint(1, 7) for _ in range(4)]
    width, height = right - left + margin[0] + margin[2], bottom - top + margin[1] + margin[3]
    while True:  # two colours that differ enough
        ink, ground = (np.array([rng.randint(0, 255) for _ in range(3)]) for _ in range(2))
        if abs(float((ink - ground) @ LUMA)) > 90:
            break
    image = Image.new("RGB", (width, height), tuple(ground.tolist()))
    ImageDraw.Draw(image).text((margin[0] - left, margin[1] - top), word, font=font, fill=tuple(ink.tolist()))
    pixels = np.asarray(image, np.float32)

    light = np.linspace(rng.uniform(-35, 35), rng.uniform(-35, 35), width)[None, :, None]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + np.array([[rng.uniform(-0.08, 0.08) * height for _ in range(2)] for _ in range(4)], np.float32)
    pixels = cv2.warpPerspective(
        pixels + light, cv2.getPerspectiveTransform(corners, moved), (width, height), borderMode=cv2.BORDER_REPLICATE
    )
    pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.2))
    pixels += np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(0, 8), pixels.shape)
    return word, pixels.clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    main()
