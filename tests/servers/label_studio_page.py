"""Label Studio's page, as a person uses it, in a headless Chromium."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

WITHIN = 90_000  # milliseconds
TEXT = ".lsf-htx-richtext"
# Scrolls the words into view and says where they are, each at its first occurrence in one piece of the text.
PLACES = """(words) => {
  const root = document.querySelector(".lsf-htx-richtext");
  const find = (word) => {
    const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node; (node = walk.nextNode()); ) {
      const at = node.data.indexOf(word);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + word.length);
      return range;
    }
    throw new Error("not in the text: " + word);
  };
  const ranges = words.map(find);
  ranges[0].startContainer.parentElement.scrollIntoView({block: "center"});
  return ranges.map((range) => {
    const box = range.getClientRects()[0];
    return [box.left, box.right, (box.top + box.bottom) / 2];
  });
}"""


class LabelStudioPage:
    """The page of one task after the other."""

    def __init__(self, page: Any, url: str, email: str, password: str):
        self.page, self.url = page, url
        page.set_default_timeout(WITHIN)
        page.goto(f"{url}/user/login/")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", password)
        page.click("button[type=submit]")
        page.wait_for_selector("text=Recent Projects")

    def open(self, project: int, task: int, word: str) -> None:
        """Open a task that has a word, with its prediction as a draft to begin with."""
        self.page.goto(f"{self.url}/projects/{project}/data?task={task}")
        self.page.wait_for_selector(f"{TEXT} >> text={word}")
        self.page.wait_for_selector("button:has-text('Submit')")

    def remove(self, text: str) -> None:
        """Remove the region of a text."""
        region = self.page.locator(f"{TEXT} .htx-highlight", has_text=text).first
        region.scroll_into_view_if_needed()
        before = self._regions()
        region.click()
        self.page.keyboard.press("Backspace")
        self._until(lambda: self._regions() < before)

    def mark(self, key: str, first: str, last: str) -> None:
        """Mark from one word to another by the mouse, with the label that a key chooses."""
        before = self._regions()
        self.page.keyboard.press(key)
        time.sleep(0.3)
        start, end = self.page.evaluate(PLACES, [first, last])
        self.page.mouse.move(start[0] + 1, start[2])
        self.page.mouse.down()
        self.page.mouse.move(end[1] - 1, end[2], steps=8)
        self.page.mouse.up()
        self._until(lambda: self._regions() > before)

    def submit(self, is_stored: Callable[[], bool]) -> None:
        """Submit, and wait until the server has it."""
        self.page.locator("button:has-text('Submit')").first.click()
        self._until(is_stored)

    def _regions(self) -> int:
        return self.page.locator(f"{TEXT} .htx-highlight").count()

    def _until(self, holds: Callable[[], bool]) -> None:
        for _ in range(WITHIN // 200):
            if holds():
                return
            self.page.wait_for_timeout(200)
        raise AssertionError("the page didn't do it")


@contextmanager
def label_studio_page(chromium: str, url: str, email: str, password: str) -> Iterator[LabelStudioPage]:
    """Open a browser and log in.

    chromium (str): The program.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            yield LabelStudioPage(page, url, email, password)
        finally:
            browser.close()
