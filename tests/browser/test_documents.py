"""A document on its page: the picture, its zones, its fields, and what can be done with them."""

from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor
from tests.documents import Line, Mark, grid, pdf_of
from tests.process import ServerProcess

pytestmark = pytest.mark.asyncio(loop_scope="session")


def invoice(folder: Path, number: str) -> tuple[str, bytes]:
    """A plain invoice of two pages, which reads without a doubt."""
    texts: list[Mark] = [
        Line(60, 60, "Brightwater Supplies Ltd", 16, bold=True),
        Line(60, 84, "14 Quay Street, Falmouth"),
        Line(380, 60, "INVOICE", 18, bold=True),
        Line(380, 90, f"Invoice number: {number}"),
        Line(380, 106, "Invoice date: 31 March 2026"),
        Line(64, 216, "Description"),
        Line(460, 216, "Amount"),
        Line(64, 240, "Anchor chain, 10 mm"),
        Line(460, 240, "100.00"),
        Line(380, 300, "Net amount: 100.00 EUR"),
        Line(380, 316, "VAT 20%: 20.00 EUR"),
        Line(380, 332, "Total: 120.00 EUR", bold=True),
        *grid((60, 450, 540), (200, 224, 250)),
    ]
    path = pdf_of(folder, [texts, [Line(60, 80, "Terms of delivery are on this page.")]])
    return f"{number}.pdf", path.read_bytes()


async def brought(visitor: Visitor, file: tuple[str, bytes]) -> None:
    """Bring the file, answer what it asks with what was read, and open its page."""
    name, _ = file
    await visitor.open()
    await visitor.live()
    await visitor.choose(file)
    row = visitor.file(name)
    await expect(row).to_have_attribute("data-s", "done")
    await visitor.open_file(name)
    await visitor.live()


async def test_the_page_is_shown_with_its_zones_and_fields(
    server: ServerProcess, visit: Visit, tmp_path: Path
) -> None:
    visitor = await visit(server)
    await brought(visitor, invoice(tmp_path, "INV-1001"))
    page = visitor.page
    picture = page.get_by_role("img", name="Page 1 of")
    await expect(picture).to_be_visible()
    await expect(picture).to_have_js_property("complete", True)
    assert await picture.evaluate("node => node.naturalWidth") > 500
    zones = page.locator("#zones > li")
    await expect(page.locator("#sheet .z")).to_have_count(await zones.count())
    number = page.locator("[data-field=invoice_number]")
    await expect(number).to_contain_text("INV-1001")
    await expect(page.locator("[data-field=total_amount]")).to_contain_text("120.00")
    await number.hover()
    await expect(page.locator("#sheet .spot")).to_have_count(1)
    await zones.first.focus()
    await expect(page.locator("#sheet .z[data-lit]")).to_have_count(1)
    await page.get_by_role("link", name="Next page").click()
    await expect(page.locator("#page-place")).to_have_text("Page 2 of 2")
    await expect(zones.first).to_contain_text("Terms of delivery")


async def test_a_field_is_changed_in_place_and_changed_back(
    server: ServerProcess, visit: Visit, tmp_path: Path
) -> None:
    visitor = await visit(server)
    await brought(visitor, invoice(tmp_path, "INV-2002"))
    page = visitor.page
    due = page.locator("[data-field=due_date]")
    await expect(due).to_contain_text("Not there")
    await due.get_by_role("button", name="Change Due date").click()
    await page.get_by_role("textbox", name="Due date").fill("2026-04-30")
    await page.keyboard.press("Enter")
    await expect(due).to_contain_text("2026-04-30")
    await expect(due).to_contain_text("yours")
    await page.get_by_role("button", name="Undo", exact=True).last.click()
    await expect(due).to_contain_text("Not there")
    visitor.may_complain("400")
    await due.get_by_role("button", name="Change Due date").click()
    await page.get_by_role("textbox", name="Due date").fill("soon")
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast[role=alert]")).to_be_visible()


async def test_what_was_read_is_exported_from_its_tab(
    server: ServerProcess, visit: Visit, tmp_path: Path
) -> None:
    visitor = await visit(server)
    await brought(visitor, invoice(tmp_path, "INV-3003"))
    page = visitor.page
    await page.get_by_role("tab", name="Exports").click()
    await page.get_by_role("button", name="Export", exact=True).click()
    link = page.locator(".exports li a")
    await expect(link).to_have_count(1)
    async with page.expect_download() as download:
        await link.click()
    text = Path(await (await download.value).path()).read_text("utf-8-sig")
    assert "INV-3003" in text
    assert "120.00" in text


async def test_a_deleted_file_leaves_its_page(
    server: ServerProcess, visit: Visit, tmp_path: Path
) -> None:
    visitor = await visit(server)
    await brought(visitor, invoice(tmp_path, "INV-4004"))
    await visitor.page.locator("summary", has_text="Delete").click()
    await visitor.page.get_by_role("button", name="Delete it").click()
    await expect(visitor.page).to_have_url(f"{server.url}/")
    await expect(visitor.file("INV-4004.pdf")).to_have_count(0)


async def test_a_document_is_found_by_what_it_says(
    server: ServerProcess, visit: Visit, tmp_path: Path
) -> None:
    visitor = await visit(server)
    page = visitor.page
    await brought(visitor, invoice(tmp_path, "INV-1006"))
    await visitor.open("/?all")
    await visitor.live()
    await page.get_by_label("Find a file").fill("terms of deliv")
    hit = page.locator("#found li")
    await expect(hit).to_have_count(1)
    await expect(hit.locator("mark").first).to_have_text("Terms")
    await hit.get_by_role("link", name="INV-1006.pdf").click()
    await expect(page.locator("#page-place")).to_have_text("Page 2 of 2")
    plain = await visit(server, visitor.name, java_script_enabled=False)
    await plain.open("/?q=anchor+chain")
    await expect(plain.page.locator("#found li")).to_contain_text("Anchor chain, 10 mm")
    await plain.open("/?q=nowhere")
    await expect(plain.page.locator("#found")).to_be_hidden()
