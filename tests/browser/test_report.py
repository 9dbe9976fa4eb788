"""The reports in a real browser: what is seen, on which screen, in which scheme, on paper, and with no script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

PAGES = (
    "signed-off",
    "refused-plan",
    "failed-verify",
    "partial",
    "large",
    "proven",
    "found-wanting",
    "hostile",
    "index",
)
WIDE, NARROW = (1280, 800), (360, 740)

FONT_SIZE = "name => parseFloat(getComputedStyle(document.querySelector(name)).fontSize)"
FOLDED = "[...document.querySelectorAll('details:not(.az) > :not(summary)')].filter(part => part.offsetHeight === 0)"
CUT_OFF = "[...document.querySelectorAll('.scroll')].filter(box => box.scrollWidth > box.clientWidth + 1)"

CONTRAST = """
() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (rgb(colour)[3] === 255) return colour;
    }
    return 'white';
  };
  const pairs = new Map();
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility()) continue;
    const pair = [getComputedStyle(element).color, behind(element)];
    pairs.set(pair.join(), [...pair, element.tagName + '.' + element.className]);
  }
  return [...pairs.values()].map(([ink, paper, who]) => {
    const [a, b] = [light(rgb(ink)), light(rgb(paper))].sort((x, y) => y - x);
    return [who, (a + .05) / (b + .05)];
  }).filter(([, ratio]) => ratio < 4.5);
}
"""


@contextmanager
def opened(browser: Any, address: str, *, size: tuple[int, int] = WIDE, **context: Any) -> Iterator[Any]:
    """A page that is open, and that must not complain, fail or ask for anything but itself."""
    asked: list[str] = []
    said: list[str] = []
    kept = browser.new_context(viewport={"width": size[0], "height": size[1]}, **context)
    page = kept.new_page()
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(address)
    try:
        yield page
        assert said == []
        outside = [url for url in asked if url.partition("#")[0] != address and not url.startswith("data:,")]
        assert outside == []
    finally:
        kept.close()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_quiet_and_readable(browser: Any, site: str, name: str, scheme: str) -> None:
    with opened(browser, f"{site}/{name}.html", color_scheme=scheme) as page:
        assert page.evaluate(CONTRAST) == [], "text has a contrast of at least 4.5"


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(browser: Any, site: str, name: str) -> None:
    with opened(browser, f"{site}/{name}.html") as page:
        page.evaluate("() => document.querySelectorAll('details').forEach(part => part.open = true)")
        for width in (320, 360, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 740})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", PAGES[:-2])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_verdict_is_seen_at_once(browser: Any, site: str, name: str, size: tuple[int, int]) -> None:
    with opened(browser, f"{site}/{name}.html", size=size) as page:
        words = page.locator(".verdict .words")
        assert re.fullmatch(r"[✓✕]\s*(Signed off|Not signed off)", words.inner_text().strip())
        box = words.bounding_box()
        assert box["y"] + box["height"] < size[1] / 2
        sizes = page.evaluate(f"['.verdict .words', 'h1', 'h2'].map({FONT_SIZE})")
        assert sizes == sorted(sizes, reverse=True), "nothing is larger than the verdict"


def test_it_needs_no_script(browser: Any, site: str) -> None:
    with opened(browser, f"{site}/large.html", java_script_enabled=False) as page:
        page.locator("#object-Object_001__c > summary").click()
        assert page.locator("#object-Object_001__c ul.kept").is_visible()


def test_any_object_is_one_click_away(browser: Any, site: str) -> None:
    address = f"{site}/large.html"
    with opened(browser, address) as page:
        page.locator("nav a", has_text="Access before and after").click()
        page.locator(".az a", has_text="Object_069__c").click()
        target = page.locator("#object-Object_069__c")
        box = target.bounding_box()
        assert 0 <= box["y"] < 800, "the object is in sight"
        target.locator("summary").click()
        assert target.locator("code", has_text="Field_Number_099__c").is_visible()


def test_a_large_report_opens_quickly(browser: Any, site: str) -> None:
    with opened(browser, f"{site}/large.html") as page:
        timing = "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        assert page.evaluate(timing) < 5_000, "it takes a fraction of a second"


def test_the_keyboard_reaches_what_the_mouse_does(browser: Any, site: str) -> None:
    with opened(browser, f"{site}/signed-off.html") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
        assert page.locator(".skip").bounding_box()["width"] > 50, "what has the focus is seen"
        unreachable = (
            "() => [...document.querySelectorAll('.scroll')].filter(box => box.tabIndex !== 0 || !box.ariaLabel).length"
        )
        assert page.evaluate(unreachable) == 0


def test_hostile_names_run_nothing(browser: Any, site: str) -> None:
    with opened(browser, f"{site}/hostile.html") as page:
        assert page.evaluate("document.scripts.length + document.images.length") == 0
        assert page.locator("h1").inner_text().startswith('<script>alert("x")</script>')


@pytest.mark.parametrize("name", ["signed-off", "large", "hostile"])
def test_paper_shows_everything(browser: Any, site: str, name: str) -> None:
    with opened(browser, f"{site}/{name}.html", size=(680, 900), color_scheme="dark") as page:
        page.emulate_media(media="print")
        assert page.evaluate(f"{FOLDED}.length") == 0, "what is folded on the screen is open on paper"
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("document.documentElement.scrollWidth") <= 680, "no column is cut off"
        assert page.evaluate(f"{CUT_OFF}.length") == 0, "nor any table"
        pdf = page.pdf(prefer_css_page_size=True)
        assert pdf.startswith(b"%PDF-")


def test_the_index_leads_to_every_report_and_back(browser: Any, site: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{site}/index.html")
    links = page.locator(".reports h2 a")
    assert links.count() == len(PAGES) - 1
    links.nth(1).click()
    assert page.locator("h1").inner_text() == "Legacy BI · Nightly Extract"
    page.locator(".kind a").click()
    assert page.locator("h1").inner_text() == "Migration rehearsals"
    context.close()
