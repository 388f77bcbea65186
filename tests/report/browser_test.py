#!/usr/bin/env python3
"""Opens reports of the fixture in headless Chromium: no console message, every chart drawn, nothing from a network.

usage: browser_test.py TEST_REPORT_PROGRAM
Exit status 77 (skipped) if there is no Chromium.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
# Run inside the page after its own scripts: counts canvases with something on them, and what hostile texts became.
PROBE = """<script>
{
  const painted = [...document.querySelectorAll("canvas")].filter((c) => {
    if (!c.width || !c.height || !c.offsetParent) return false;
    const pixels = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
    let n = 0;
    for (let i = 3; i < pixels.length; i += 4) n += pixels[i] > 0;
    return n > 500;
  });
  const shown = [...document.querySelectorAll("canvas")].filter((c) => c.offsetParent);
  const root = document.documentElement;
  root.dataset.painted = painted.length;
  root.dataset.shown = shown.length;
  root.dataset.images = document.querySelectorAll("img, iframe, object, link").length;
  root.dataset.resources = performance.getEntriesByType("resource").length;
  for (const head of document.querySelectorAll("#summary thead th")) head.click();
  for (const select of document.querySelectorAll("select")) {
    select.selectedIndex = select.length - 1;
    select.dispatchEvent(new Event("change"));
  }
  for (const button of document.querySelectorAll("button")) button.click();
  dispatchEvent(new Event("beforeprint"));
  dispatchEvent(new Event("afterprint"));
  root.dataset.probed = "yes";
}
</script>"""


def browser():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    return None


def open_page(chromium, page, profile, *flags):
    command = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
               "--user-data-dir=" + profile, "--enable-logging=stderr", "--window-size=1280,2000",
               "--virtual-time-budget=8000", "--dump-dom", *flags, "file://" + page]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    console = [line for line in done.stderr.decode(errors="replace").splitlines() if ":CONSOLE" in line]
    return done.stdout.decode(errors="replace"), console


def attribute(dom, name):
    found = re.search(r'<html[^>]*\bdata-' + name + r'="([^"]*)"', dom)
    return found.group(1) if found else None


def check(failures, condition, message):
    if not condition:
        failures.append(message)


def main():
    chromium = browser()
    if not chromium:
        print("no Chromium: skipped")
        return SKIPPED
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], "--gtest_filter=WholeReport.*:Program*:Comparison.*"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "HAYWATT_REPORT_OUT": folder})
        # name -> at least so many charts: Pareto, two or more panels of phases, memory, CPU, distribution, error
        pages = {"typical": 9, "large": 9, "wide": 9, "hostile": 9, "no-energy": 6, "empty": 0, "failures": 0,
                 # power, CPU, memory, transfers, processes
                 "program": 5, "program-measured": 5, "program-hostile": 5, "program-no-energy": 4, "program-short": 1,
                 "program-empty": 0,
                 # one a metric with pairs
                 "comparison": 4, "comparison-hostile": 3, "comparison-empty": 0}
        for name, least in pages.items():
            path = os.path.join(folder, name + ".html")
            with open(path, encoding="utf-8", errors="surrogateescape") as f:
                html = f.read()
            check(failures, not re.search(r'(?:src|href)\s*=\s*["\']?\s*(?:https?:)?//', html), name + ": loads from a network")
            probed = os.path.join(folder, name + "-probed.html")
            with open(probed, "w", encoding="utf-8", errors="surrogateescape") as f:
                f.write(html.replace("</body>", PROBE + "</body>"))
            for theme, flags in (("light", []), ("dark", ["--blink-settings=preferredColorScheme=0"])):
                if theme == "dark" and name not in ("typical", "program"):
                    continue
                dom, console = open_page(chromium, probed, os.path.join(folder, "profile"), *flags)
                where = f"{name} ({theme}): "
                check(failures, not console, where + "console: " + "; ".join(console[:3]))
                check(failures, attribute(dom, "probed") == "yes", where + "the page's scripts did not finish")
                shown, painted = attribute(dom, "shown"), attribute(dom, "painted")
                check(failures, shown == painted, f"{where}{painted} of {shown} charts are drawn")
                check(failures, int(painted or -1) >= least, f"{where}{painted} charts, expected at least {least}")
                check(failures, attribute(dom, "images") == "0", where + "a text became an element")
                check(failures, attribute(dom, "resources") == "0", where + "something was loaded")
                print(f"{where}{painted} charts drawn")
    for failure in failures:
        print("FAILED: " + failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
