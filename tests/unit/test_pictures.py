"""Pictures of pages: kept up to a size, and gone with their file."""

from pathlib import Path

from app.store.pictures import PictureStore

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
