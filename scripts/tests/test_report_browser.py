"""The page of a report in headless Chromium: what it says on its console and asks of the network, its filters, zoom and
links, without JavaScript, on narrow screens, in the dark, on paper, and for a screen reader (axe-core).

Needs Debian's chromium, chromium-driver and python3-selenium; skipped without them. POOLBENCH_SCREENSHOTS names a
directory that gets the screenshots.
"""

import base64
import csv
import gzip
import io
import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any

from poolbench.report import page
from tests import synthetic_run
from tests.test_report import claim, comparison, findings

try:
    from selenium import webdriver
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.remote.webelement import WebElement
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ModuleNotFoundError:
    webdriver = None

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
MISSING = [
    package
    for package, there in (("python3-selenium", webdriver), ("chromium", CHROMIUM), ("chromium-driver", DRIVER))
    if not there
]
WIDTHS = (360, 800, 1280)
PATIENCE = 60  # seconds


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class Browser(unittest.TestCase):
    directory: Path
    page: Path
    browser: Any

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = Path(directory.name)
        cls.page = cls.write_page(
            "page",
            synthetic_run.write(cls.directory / "run", synthetic_run.default_cells(), 4, traced=(0, 30, 32, 37)),
        )
        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for argument in ("headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars", "disable-dev-shm-usage"):
            options.add_argument(f"--{argument}")
        options.add_argument(f"--user-data-dir={cls.directory / 'profile'}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.chrome.service.Service(DRIVER)
        cls.browser = webdriver.Chrome(options=options, service=service)
        cls.addClassCleanup(cls.browser.quit)
        cls.browser.set_script_timeout(5 * PATIENCE)

    @classmethod
    def write_page(cls, name: str, *directories: Path, **more: Any) -> Path:
        given = findings(*directories, **more)
        given["runs"][0]["claims"] = [
            claim(cells=["000000000000000a"]),
            claim(id="other", verdict="refuted", tutorial="回调"),
        ]
        path = cls.directory / f"{name}.html"
        path.write_text(page.make(given)[0], encoding="utf-8")
        return path

    def setUp(self) -> None:
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        self.emulate(1280)
        self.open(self.page)

    def open(self, path: Path) -> None:
        for kind in ("browser", "performance"):
            self.browser.get_log(kind)  # what was before
        self.browser.get("about:blank")
        self.browser.get(path.as_uri())

    def emulate(self, width: int, scheme: str = "light", media: str = "") -> None:
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        self.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"media": media, "features": [{"name": "prefers-color-scheme", "value": scheme}]},
        )

    def find(self, selector: str) -> "WebElement":
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def run_script(self, script: str, *arguments: Any) -> Any:
        return self.browser.execute_script(script, *arguments)

    def wait_for(self, script: str) -> None:
        WebDriverWait(self.browser, PATIENCE).until(lambda browser: browser.execute_script(f"return {script}"), script)

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page as it is."""
        self.run_script(gzip.decompress((Path(__file__).parent / "axe/axe.min.js.gz").read_bytes()).decode("utf-8"))
        found: list[str] = self.browser.execute_async_script(
            "const done = arguments[0];"
            "const one = (node) => node.html.slice(0, 200) + node.failureSummary;"
            "const told = ({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(one).join(' | ')}`;"
            "axe.run().then((result) => done(result.violations.map(told)))"
        )
        return found

    def keep_screenshot(self, name: str) -> None:
        if os.environ.get("POOLBENCH_SCREENSHOTS"):
            size = self.run_script("return [innerWidth, document.documentElement.scrollHeight]")
            clip = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], 16000), "scale": 1}
            shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
            directory = Path(os.environ["POOLBENCH_SCREENSHOTS"])
            directory.mkdir(parents=True, exist_ok=True)
            (directory / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    # --- quiet --------------------------------------------------------------------------------------------------------

    def test_it_says_nothing_on_the_console_and_asks_nothing_of_the_network(self) -> None:
        for details in self.browser.find_elements(By.CSS_SELECTOR, "details"):
            self.run_script("arguments[0].open = true", details)
        self.wait_for("document.querySelectorAll('.explorer canvas').length > 4")
        self.assertEqual(self.browser.get_log("browser"), [])
        asked = []
        for entry in self.browser.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                asked.append(message["params"]["request"]["url"])
        self.assertEqual([url for url in asked if not url.startswith("data:")], [self.page.as_uri()])

    # --- rows ---------------------------------------------------------------------------------------------------------

    def test_rows_are_filtered_and_saved_as_they_stand_in_the_file(self) -> None:
        self.find("input[name=text]").send_keys("process gil_spin")
        for name, value in (("backend", "process"), ("status", "ok"), ("is_warmup", "0")):
            Select(self.find(f"select[name={name}]")).select_by_value(value)
        self.wait_for("document.querySelector('output.count').textContent.startsWith('12 of ')")
        saved = list(csv.DictReader(io.StringIO(self.run_script("return document.querySelector('.rows').csv()"))))
        with open(self.directory / "run/results.csv", newline="", encoding="utf-8") as file:
            rows = [
                row
                for row in csv.DictReader(file)
                if (row["backend"], row["workload"], row["is_warmup"]) == ("process", "gil_spin", "0")
            ]
        self.assertEqual(len(rows), 12)
        self.assertEqual(saved, rows)
        self.find("button[type=reset]").click()
        self.wait_for("/^(\\d+) of \\1 rows$/.test(document.querySelector('output.count').textContent)")

    def test_rows_can_be_downloaded(self) -> None:
        self.browser.execute_cdp_cmd(
            "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.directory / "saved")}
        )
        self.find("button.save").click()
        saved = self.directory / "saved/results.csv"
        WebDriverWait(self.browser, PATIENCE).until(lambda _: saved.exists())
        self.assertIn("makespan_ns", saved.read_text(encoding="utf-8").splitlines()[0])

    def test_a_number_leads_to_its_rows_though_a_filter_hid_them(self) -> None:
        self.find("input[name=text]").send_keys("nothing has this")
        self.wait_for("document.querySelector('output.count').textContent.startsWith('0 of')")
        link = self.find(".decision td a")
        self.run_script("arguments[0].click()", link)
        self.wait_for("document.querySelector('tbody.shown') !== null")
        shown = self.find("tbody.shown")
        self.assertEqual(shown.get_attribute("id"), link.get_attribute("href").partition("#")[2])
        box = self.run_script("const b = arguments[0].getBoundingClientRect(); return [b.top, b.bottom]", shown)
        self.assertTrue(0 <= box[0] < 900, box)

    # --- pictures -----------------------------------------------------------------------------------------------------

    def test_the_reader_picks_any_two_factors(self) -> None:
        details = self.browser.find_elements(By.CSS_SELECTOR, "details.explorer")[-1]
        self.run_script("arguments[0].open = true; arguments[0].scrollIntoView()", details)
        self.wait_for("document.querySelectorAll('.explorer canvas').length > 0")
        across, by = (Select(select) for select in details.find_elements(By.CSS_SELECTOR, "select")[:2])
        seen = set()
        for first, second in (("backend", "strategy"), ("strategy", "backend"), ("parsers", "backend")):
            across, by = (Select(select) for select in details.find_elements(By.CSS_SELECTOR, "select")[:2])
            across.select_by_value(first)
            by = Select(details.find_elements(By.CSS_SELECTOR, "select")[1])
            by.select_by_value(second)
            seen.add(self.run_script("return arguments[0].querySelector('.chart canvas').toDataURL()", details))
            self.assertIn(
                "executor" if "backend" in (first, second) else "",
                details.find_element(By.CSS_SELECTOR, ".chart").get_attribute("aria-label"),
            )
        self.assertEqual(len(seen), 3)
        self.keep_screenshot("explorer")

    def test_the_timeline_zooms_pans_and_names_what_one_points_at(self) -> None:
        span = (
            "(() => { const { from, to } = document.querySelector('.timeline').timeline.state; return [from, to]; })()"
        )
        self.run_script("document.querySelector('.timeline').scrollIntoView()")
        chart = self.find(".timeline .chart")
        whole = self.run_script(f"return {span}")
        chart.send_keys("+", "+")
        zoomed = self.run_script(f"return {span}")
        self.assertAlmostEqual((zoomed[1] - zoomed[0]) / (whole[1] - whole[0]), 0.25, places=3)
        chart.send_keys(Keys.ARROW_RIGHT)
        self.assertGreater(self.run_script(f"return {span}")[0], zoomed[0])
        chart.send_keys(Keys.HOME)
        self.assertEqual(self.run_script(f"return {span}"), whole)
        chart.send_keys("n")
        self.assertRegex(self.find(".timeline .readout").text, r"^task \d+ on worker \d+: .* from .* to .*waited")
        area = self.find(".timeline .u-over")
        chart.send_keys("+")
        before = self.run_script(f"return {span}")
        ActionChains(self.browser).move_to_element(area).click_and_hold().move_by_offset(-100, 0).release().perform()
        self.assertGreater(self.run_script(f"return {span}")[0], before[0])
        chart.send_keys(Keys.HOME)
        found = set()
        for x in range(-400, 400, 100):
            ActionChains(self.browser).move_to_element_with_offset(area, x, -20).perform()
            found.add(self.find(".timeline .readout").text)
        self.assertGreater(len(found), 1)
        self.keep_screenshot("timeline")

    def test_ten_thousand_tasks_can_be_panned(self) -> None:
        cells = [synthetic_run.cell("thread", 10, "sleep", "worker", tasks=10_000, task_ms=1, callback_ms=0.5)]
        path = self.write_page(
            "large", synthetic_run.write(self.directory / "large", cells, repetitions=1, traced=(0,))
        )
        self.open(path)
        self.assertIn("10000 tasks", self.find(".timeline .readout").text)
        took = self.browser.execute_async_script(
            """
            const done = arguments[0];
            const { timeline } = document.querySelector(".timeline");
            const end = timeline.state.to;
            timeline.show(0, end / 2);
            const frames = 60;
            let frame = 0;
            const start = performance.now();
            requestAnimationFrame(function next() {
              timeline.show((frame / frames) * end / 2, (frame / frames) * end / 2 + end / 2);
              if (++frame < frames) requestAnimationFrame(next);
              else done([(performance.now() - start) / frames, timeline.state.from]);
            });
            """
        )
        print(f"panning 10,000 tasks: {took[0]:.1f} ms a frame")  # recorded: a speed is no assertion
        self.assertGreater(took[1], 0)

    # --- for everybody ------------------------------------------------------------------------------------------------

    def test_axe_finds_no_violation(self) -> None:
        for width, scheme in ((360, "light"), (1280, "dark")):
            with self.subTest(width=width, scheme=scheme):
                self.emulate(width, scheme)
                self.open(self.page)
                self.run_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                self.wait_for("document.querySelectorAll('.explorer canvas').length > 4")
                self.assertEqual(self.violations(), [])

    def test_at_no_width_the_page_itself_scrolls_sideways(self) -> None:
        for width in WIDTHS:
            self.emulate(width)
            self.open(self.page)
            for scheme in ("light", "dark"):
                self.emulate(width, scheme)
                self.assertLessEqual(self.run_script("return document.documentElement.scrollWidth"), width)
                self.keep_screenshot(f"{width}-{scheme}")

    def test_dark_mode_changes_the_pictures_too(self) -> None:
        colour = "return getComputedStyle(document.querySelector('figure svg text')).fill"
        light = self.run_script(colour)
        self.emulate(1280, "dark")
        self.assertNotEqual(self.run_script(colour), light)

    def test_without_javascript_all_tables_and_pictures_are_there(self) -> None:
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        self.open(self.page)
        shown = [
            each.is_displayed()
            for each in self.browser.find_elements(By.CSS_SELECTOR, "figure svg, table.raw, table.decision")
        ]
        self.assertGreater(len(shown), 6)
        self.assertGreater(sum(shown), 6)
        for each in self.browser.find_elements(By.CSS_SELECTOR, ".needs-script"):
            self.assertFalse(each.is_displayed())
        self.keep_screenshot("without-script")

    def test_on_paper_there_are_pictures_and_no_controls(self) -> None:
        self.emulate(800, media="print")
        hidden = "return getComputedStyle(document.querySelector(arguments[0])).display"
        self.assertEqual(self.run_script(hidden, "form.filter"), "none")
        self.assertEqual(self.run_script(hidden, "table.raw"), "none")
        self.assertNotEqual(self.run_script(hidden, "figure svg"), "none")
        self.keep_screenshot("print")
        pdf = self.browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
        self.assertTrue(pdf.startswith("JVBERi"))  # "%PDF-", base64
        if os.environ.get("POOLBENCH_SCREENSHOTS"):
            (Path(os.environ["POOLBENCH_SCREENSHOTS"]) / "page.pdf").write_bytes(base64.b64decode(pdf))

    def test_several_runs_are_quiet_and_accessible_too(self) -> None:
        cells = synthetic_run.tutorial_cells()
        runs = [synthetic_run.write(self.directory / name, cells, traced=(0,)) for name in "abc"]
        for some in (runs[1:], runs):
            with self.subTest(runs=len(some)):
                path = self.write_page(f"of{len(some)}", *some, comparisons=[comparison()] * (len(some) - 1))
                self.open(path)
                self.assertEqual(self.browser.get_log("browser"), [])
                self.assertEqual(self.violations(), [])
                self.keep_screenshot(f"of-{len(some)}")


if __name__ == "__main__":
    unittest.main()
