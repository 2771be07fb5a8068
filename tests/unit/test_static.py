"""The static files: what is sent, how much of it, and whether its colours can be read."""

import gzip
import re
import subprocess
from itertools import product
from pathlib import Path

import pytest

from app.web.pages import STATIC_FOLDER, TEMPLATES
from app.web.rendering import MODULES
from app.web.static import (
    PAGE_STYLES,
    STYLE_SHEET,
    STYLES,
    Asset,
    StaticFiles,
    joined,
    slimmed,
    squeezed,
)
from tests.unit.test_javascript import NODE

KIB = 1024
TOKENS = (STATIC_FOLDER / "css/tokens.css").read_text()
PAGES = list(TEMPLATES.rglob("*.html"))


@pytest.fixture(scope="module")
def files() -> StaticFiles:
    return StaticFiles.load(STATIC_FOLDER)


# Colours

PAIR = re.compile(r"--([\w-]+):\s*light-dark\((#\w{6}), (#\w{6})\)")
SURFACES = ("canvas", "surface", "raised", "hover")
STATUS = ("accent", "good", "warn", "bad", "dup")
FILLS = ("accent-fill", "good-fill", "warn-fill", "bad-fill", "dup-fill", "idle-fill")


def colours(theme: int) -> dict[str, str]:
    """Every colour token of a theme: 0 is light, 1 is dark. The first of a name is the usual."""
    found: dict[str, str] = {}
    for name, *pair in PAIR.findall(TOKENS):
        found.setdefault(name, pair[theme])
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb. Source: WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_counted_as_the_guidelines_do() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_all_text_can_be_read_where_it_stands(theme: int) -> None:
    of = colours(theme)
    pairs = [
        *product(("ink", "ink-2", "ink-3"), SURFACES),
        *product(STATUS, ("canvas", "surface", "raised")),
        *((name, f"{name}-soft") for name in STATUS),
        *(product(("ink", "ink-2"), (f"{name}-soft" for name in STATUS))),
        ("on-accent", "accent-fill"),
        ("canvas", "ink"),
    ]
    low = {pair: ratio for pair in pairs if (ratio := contrast(of[pair[0]], of[pair[1]])) < 4.5}
    assert not low


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_shapes_that_carry_meaning_stand_out(theme: int) -> None:
    of = colours(theme)
    pairs = [
        *product((*FILLS, "edge"), ("canvas", "surface")),
        *product(tuple(name for name in FILLS if name != "dup-fill"), ("track",)),
    ]
    low = {pair: ratio for pair in pairs if (ratio := contrast(of[pair[0]], of[pair[1]])) < 3}
    assert not low


# Sizes


def test_the_style_sheet_keeps_its_budget(files: StaticFiles) -> None:
    sheet = files.get(STYLE_SHEET)
    assert sheet is not None
    assert sheet.packed is not None
    for further in PAGE_STYLES:  # no page has more than one
        own = files.get(f"css/{further}.css")
        assert own is not None
        assert len(sheet.body) + len(own.body) <= 45 * KIB
        assert len(sheet.packed) + len(own.packed or own.body) <= 10 * KIB


@pytest.mark.parametrize("entry", MODULES.values())
def test_the_modules_of_a_page_keep_their_budget(files: StaticFiles, entry: str) -> None:
    sent = [files.get(path) for path in files.modules(entry)]
    assert len(sent) <= 18
    assert sum(len(one.body) for one in sent if one) <= 90 * KIB
    assert sum(len(one.packed or one.body) for one in sent if one) <= 30 * KIB


LATER = re.compile(r"""\bimport\(\s*['"](\.{1,2}/[^'"]+\.js)['"]|\blater\("([\w-]+)\"""")


def test_what_is_loaded_later_is_there_and_small(files: StaticFiles) -> None:
    """Parts of a page that not everybody needs come when they are needed, each with its own."""
    found = 0
    for script in STATIC_FOLDER.rglob("*.js"):
        for relative, name in LATER.findall(slimmed(script.read_text(encoding="utf-8"))):
            near = STATIC_FOLDER / "js/ui" / f"{name}.js" if name else script.parent / relative
            path = near.resolve().relative_to(STATIC_FOLDER.resolve())
            sent = [files.get(one) for one in files.modules(path.as_posix())]
            assert sum(len(one.packed or one.body) for one in sent if one) <= 16 * KIB
            found += 1
    assert found


# What is sent


def test_every_style_sheet_is_sent_and_tokens_come_first() -> None:
    assert STYLES[0] == "tokens"
    assert {path.stem for path in (STATIC_FOLDER / "css").glob("*.css")} == {*STYLES, *PAGE_STYLES}


def test_the_version_changes_with_any_byte() -> None:
    def version(body: bytes) -> str:
        return StaticFiles({"a.js": Asset(body, None, "text/javascript")}).version

    assert version(b"one") == version(b"one")
    assert version(b"one") != version(b"two")


def test_what_is_packed_unpacks_to_the_same(files: StaticFiles) -> None:
    sheet = files.get(STYLE_SHEET)
    assert sheet is not None
    assert sheet.packed is not None
    assert gzip.decompress(sheet.packed) == sheet.body


def test_a_missing_file_is_noticed_when_its_address_is_asked_for(files: StaticFiles) -> None:
    with pytest.raises(KeyError):
        files.url("js/none.js")


def test_what_a_page_loads_is_looked_for_once(files: StaticFiles) -> None:
    assert files.modules("js/pages/job.js") is files.modules("js/pages/job.js")


def test_imports_are_followed_to_the_last(tmp_path: Path) -> None:
    bodies = {
        "js/a.js": 'import { b } from "./b.js";\nimport {\n  c,\n} from "../c.js";\n',
        "js/b.js": 'export { c } from "../c.js";\n',
        "c.js": "export const c = 1;\n",
    }
    made = StaticFiles({p: Asset(b.encode(), None, "text/javascript") for p, b in bodies.items()})
    assert made.modules("js/a.js") == ["js/a.js", "js/b.js", "c.js"]


def test_comments_and_indentation_are_left_out_and_nothing_else() -> None:
    text = '/** What.\n *  More.\n */\n\nconst a = "// no"; // why\n  // alone\n  a /* in */ + 1;\n'
    assert slimmed(text) == 'const a = "// no";\na /* in */ + 1;\n'
    text = "const a = /[\"/]/; // it's\nb(`x // y`, 'z // 1') / 2; // two\n"
    assert slimmed(text) == "const a = /[\"/]/; // it's\nb(`x // y`, 'z // 1') / 2;\n"
    assert slimmed("f((/** @type {string} */ a) => /** @type {B} */ (a));\n") == "f((a) => (a));\n"


def test_lines_are_joined_where_nothing_can_depend_on_their_end() -> None:
    text = 'f(\n"a",\n[\n1]);\ng()\nh() // it\'s,\nconst u = "http://a",\nv = 1;\n'
    assert joined(text) == 'f("a",[1]);g()\nh() // it\'s,\nconst u = "http://a",\nv = 1;'


def test_a_rule_is_squeezed_where_spaces_mean_nothing_and_nowhere_else() -> None:
    rule = '.a :is(b, c) {\n  margin: 0 1px;\n  content: "x ";\n}\n'
    text = f"/* a */\n{rule}\n@media (x: 1) {{ .d {{ --e: 2 }} }}\n"
    assert squeezed(text) == '.a :is(b,c){margin:0 1px;content:"x "}@media (x:1){.d{--e:2}}'


def test_no_quoted_value_of_a_sheet_holds_what_rules_are_made_of() -> None:
    for path in (STATIC_FOLDER / "css").glob("*.css"):
        for quoted in re.findall(r'"([^"\n]*)"', path.read_text()):
            assert not re.search(r"[{};]|[:,] ", quoted), (path, quoted)


def test_no_text_of_ours_looks_like_a_type() -> None:
    for path in STATIC_FOLDER.rglob("*.js"):
        for line in path.read_text().split("\n"):
            before, found, _ = line.partition("/** @")
            assert not found or all(before.count(quote) % 2 == 0 for quote in "\"'`"), (path, line)


def test_no_text_of_ours_goes_over_several_lines() -> None:
    for path in STATIC_FOLDER.rglob("*.js"):
        code = re.sub(r"^[ \t]*(?:/\*.*?\*/|//[^\n]*)", "", path.read_text(), flags=re.M | re.S)
        for number, line in enumerate(code.split("\n"), 1):
            assert line.count("`") % 2 == 0, (path, number)
            assert not line.endswith("\\"), (path, number)


# Parses modules without running them; prints those that are none.
PARSE = """
const {readFileSync} = require("node:fs");
const {SourceTextModule} = require("node:vm");
for (const path of process.argv.slice(1)) {
  try {
    new SourceTextModule(readFileSync(path, "utf8"));
  } catch (error) {
    console.log(`${path}: ${error}`);
  }
}
"""


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_every_module_still_parses_as_it_is_sent(files: StaticFiles, tmp_path: Path) -> None:
    sent = []
    for path in sorted({path for entry in MODULES.values() for path in files.modules(entry)}):
        asset = files.get(path)
        assert asset is not None
        sent.append(tmp_path / path.replace("/", "_"))
        sent[-1].write_bytes(asset.body)
    command = [
        str(NODE),
        "--experimental-vm-modules",
        "--no-warnings",
        "-e",
        PARSE,
        *map(str, sent),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


# Templates


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_template_holds_no_script_and_no_style_of_its_own(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert "|safe" not in text.replace(" ", "")
    assert not re.search(r"""(?:href|src|action)=["']https?:""", text)


def test_every_icon_that_is_shown_is_drawn() -> None:
    drawn = set(re.findall(r"\.i-([a-z]+)", (STATIC_FOLDER / "css/icons.css").read_text()))
    shown = {
        name
        for path in [*PAGES, *STATIC_FOLDER.rglob("*.js")]
        for name in re.findall(r"""\bi-([a-z]+)\b|icon\("([a-z]+)"\)""", path.read_text())
        for name in name
        if name
    }
    assert shown <= drawn


def test_every_part_that_a_script_asks_for_by_id_is_on_a_page() -> None:
    markup = "\n".join(path.read_text() for path in PAGES)
    present = set(re.findall(r'\bid="([\w-]+)"', markup))
    for path in STATIC_FOLDER.rglob("js/*/*.js"):
        asked = set(re.findall(r"(?:byId|getElementById)\(\"([\w-]+)\"\)", path.read_text()))
        assert asked <= present, path
