"""Images as pages: opened under limits, turned as their camera says, flattened onto white."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFile, ImageOps

from app.core.reading import Task
from app.core.unreadable import DamagedFile, ImageTooLarge

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP")
MANY_PAGES = frozenset({"TIFF"})  # further frames of the others are an animation
LARGEST_SIDE = 4000  # pixels that are looked at; letters of a page are clear far below
SENSIBLE_DPI = (50, 1200)
A4_LONG = 842.0  # points: a picture that does not say its size is shown as large as such a page
LARGEST_PAGE = 3000.0  # points


@dataclass(frozen=True, slots=True)
class Picture:
    """A page of an image, in RGB.

    width, height  of the page in points
    """

    image: Image.Image
    width: float
    height: float


class Pictures:
    """The pages of an open image file."""

    def __init__(self, image: Image.Image, filename: str, most_pixels: int) -> None:
        self._image = image
        self._filename = filename
        self._most_pixels = most_pixels
        self.damaged = False  # some of it could not be read

    def __len__(self) -> int:
        return getattr(self._image, "n_frames", 1) if self._image.format in MANY_PAGES else 1

    def page(self, number: int) -> Picture:
        """Return the page `number`, from 1. Raises DamagedFile, ImageTooLarge."""
        try:
            self._image.seek(number - 1)
        except (OSError, EOFError, ValueError, SyntaxError, TypeError) as error:
            raise DamagedFile(filename=self._filename) from error
        image = self._image
        check_pixels(image, self._filename, self._most_pixels)
        width, height = page_size(image.size, image.info.get("dpi"))
        if image.format == "JPEG":  # decoded small where it is large: a fraction of the work
            image.draft("RGB", (LARGEST_SIDE // 2, LARGEST_SIDE // 2))
        self._load(image)
        turned = ImageOps.exif_transpose(image)
        if (turned.width > turned.height) != (width > height):
            width, height = height, width
        flat = on_white(turned)
        flat.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        return Picture(flat, width, height)

    def _load(self, image: Image.Image) -> None:
        """Decode the pixels; of a file that was cut short those that are there."""
        try:
            image.load()
            return
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            first = error
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            image.load()
        except Exception as error:  # whatever a decoder makes of broken bytes
            raise DamagedFile(filename=self._filename) from (first or error)
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        self.damaged = True


@contextmanager
def open_pictures(task: Task) -> Iterator[Pictures]:
    """The pages of the task's image. Raises DamagedFile, ImageTooLarge."""
    filename, most = task["filename"], task["limits"]["max_image_pixels"]
    Image.MAX_IMAGE_PIXELS = None  # our own limit stands: it is a setting, and it has words
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd tags
        try:
            image = Image.open(Path(task["path"]), formats=FORMATS)
        except Exception as error:  # Pillow's readers raise what they meet
            raise DamagedFile(filename=filename) from error
        with image:
            check_pixels(image, filename, most)
            yield Pictures(image, filename, most)


def check_pixels(image: Image.Image, filename: str, most: int) -> None:
    """Raise ImageTooLarge when the image would have more than `most` pixels."""
    if image.width * image.height > most:
        raise ImageTooLarge(
            filename=filename, width=image.width, height=image.height, limit=most // 1_000_000
        )


def page_size(pixels: tuple[int, int], dpi: Any) -> tuple[float, float]:
    """Return the size of a page in points, by its resolution if that makes sense."""
    width, height = pixels
    try:
        across, down = (float(value) for value in dpi)
    except (TypeError, ValueError, ZeroDivisionError):
        across = down = 0.0
    low, high = SENSIBLE_DPI
    if low <= across <= high and low <= down <= high and across != 72:
        size = (width * 72 / across, height * 72 / down)
        if max(size) <= LARGEST_PAGE:
            return size
    scale = A4_LONG / max(width, height)
    return (width * scale, height * scale)


def on_white(image: Image.Image) -> Image.Image:
    """Return the image in RGB; what is transparent becomes white."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        levels = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
        brightest = max(float(levels.max()), 1.0)
        image = Image.fromarray((levels.clip(0) * (255 / brightest)).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("RGBA", "LA", "PA"):
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return image.convert("RGB")
