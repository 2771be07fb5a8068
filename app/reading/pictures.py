"""Drawing a page as it is shown: for people who look at what was read beside it."""

from pathlib import Path
from typing import Any

from PIL import Image

from app.core.asking import Asking
from app.core.reading import Task, Tell
from app.core.unreadable import DamagedFile, PasswordProtected
from app.reading.attachments import einvoice_of
from app.reading.einvoice_page import picture_of
from app.reading.images import open_pictures
from app.reading.pdf import BrokenPage, open_pdf

PICTURE = "page.png"
DPI = 110.0
MOST_PIXELS = 16_000_000
QUARTERS = (None, Image.Transpose.ROTATE_270, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_90)


def draw(task: Task, tell: Tell) -> dict[str, Any]:
    """Draw one page into work_dir/page.png; return its width and height in pixels.

    options  page, from 1; turned, the quarters by which it is turned clockwise; kind, pdf,
             image or einvoice

    Raises DamagedFile, ImageTooLarge, PasswordProtected.
    """
    options = task["options"]
    number, turned = int(options["page"]), int(options["turned"]) % 4
    if options["kind"] == "image":
        with open_pictures(task) as pictures:
            page = pictures.page(number)
            image, long = page.image, max(page.width, page.height)
    elif options["kind"] == "einvoice":
        image = picture_of(einvoice_of(task), DPI)
        long = max(image.size) * 72 / DPI
    else:
        try:
            with open_pdf(task) as pdf, pdf.page(number) as sheet:
                size = sheet.width * sheet.height / 72 / 72
                dpi = min(DPI, (MOST_PIXELS / max(size, 0.01)) ** 0.5)
                image, long = sheet.picture(dpi), max(sheet.width, sheet.height)
        except BrokenPage as error:
            raise DamagedFile(filename=task["filename"]) from error
        except Asking as asking:  # nobody is asked: its job's password is forgotten
            raise PasswordProtected(filename=task["filename"]) from asking
    side = max(1, round(long * DPI / 72))
    image.thumbnail((side, side))
    quarters = QUARTERS[turned]
    if quarters is not None:
        image = image.transpose(quarters)
    image.save(Path(task["work_dir"]) / PICTURE, optimize=False, compress_level=6)
    return {"width": image.width, "height": image.height}
