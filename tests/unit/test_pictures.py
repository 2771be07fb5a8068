"""Pictures of pages: kept up to a size, and gone with their file."""

from pathlib import Path

import pytest
from PIL import Image

from app.core.unreadable import PasswordProtected
from app.reading.pictures import draw
from app.store.pictures import PictureStore
from tests.documents import Line, pdf_of
from tests.readers import Heard, task_for
from tests.samples import sample

FILE, OTHER = "a" * 64, "b" * 64


def drawn(folder: Path, size: int = 1000) -> Path:
    path = folder / "page.png"
    path.write_bytes(bytes(size))
    return path


async def test_a_picture_is_found_again_until_its_file_is_gone(tmp_path: Path) -> None:
    store = PictureStore(tmp_path / "pages", 10_000)
    assert await store.find(FILE, 1) is None
    path = await store.keep(FILE, 1, drawn(tmp_path))
    assert await store.find(FILE, 1) == path
    await store.forget(FILE)
    assert await store.find(FILE, 1) is None


async def test_what_nobody_looked_at_goes_first(tmp_path: Path) -> None:
    store = PictureStore(tmp_path / "pages", 3000)
    for page in (1, 2, 3):
        await store.keep(FILE, page, drawn(tmp_path))
    assert await store.find(FILE, 1)
    await store.keep(FILE, 4, drawn(tmp_path))
    left = [page for page in (1, 2, 3, 4) if await store.find(FILE, page)]
    assert left == [1, 4]


async def test_a_start_sweeps_pictures_of_files_that_are_gone(tmp_path: Path) -> None:
    store = PictureStore(tmp_path / "pages", 10_000)
    await store.keep(FILE, 1, drawn(tmp_path))
    await store.keep(OTHER, 1, drawn(tmp_path))
    again = PictureStore(tmp_path / "pages", 10_000)
    await again.sweep({FILE})
    assert await again.find(FILE, 1)
    assert await again.find(OTHER, 1) is None


@pytest.mark.parametrize(("turned", "size"), [(0, (909, 1286)), (1, (1286, 909))])
def test_a_page_is_drawn_as_it_is_shown(tmp_path: Path, turned: int, size: tuple[int, int]) -> None:
    task = task_for(pdf_of(tmp_path, [[Line(60, 60, "Text")]]), "pdf")
    task["options"] = {"page": 1, "kind": "pdf", "turned": turned}
    assert draw(task, Heard()) == {"width": size[0], "height": size[1]}
    with Image.open(tmp_path / "page.png") as image:
        assert image.size == size
        darkest, lightest = image.convert("L").getextrema()
        assert (darkest < 50, lightest) == (True, 255)


def test_a_locked_page_is_not_drawn_and_nobody_is_asked(tmp_path: Path) -> None:
    task = task_for(sample("pdfplumber/password-example.pdf"), "pdf")
    task["work_dir"] = str(tmp_path)
    task["options"] = {"page": 1, "kind": "pdf", "turned": 0}
    with pytest.raises(PasswordProtected):
        draw(task, Heard())
