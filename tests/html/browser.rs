//! A browser without a window, where there is one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Chromium by the names it goes by, or the one that Playwright keeps.
pub fn chromium() -> Option<PathBuf> {
    let named = ["chromium", "chromium-browser", "google-chrome"].into_iter().map(PathBuf::from);
    let works = |p: &PathBuf| {
        let version = Command::new(p).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
        version.is_ok_and(|o| o.status.success())
    };
    named.chain(playwright()).find(works)
}

fn playwright() -> Vec<PathBuf> {
    let Some(home) = std::env::var_os("HOME") else { return Vec::new() };
    let kept = std::fs::read_dir(Path::new(&home).join(".cache/ms-playwright")).into_iter().flatten().flatten();
    kept.flat_map(|e| [e.path().join("chrome-linux/chrome"), e.path().join("chrome-linux/headless_shell")]).collect()
}

/// The document of a page after its scripts have run. `url` may have a fragment; the profile is a fresh one in `place`.
pub fn dom(browser: &Path, place: &Path, url: &str, size: &str) -> String {
    let profile = tempfile::tempdir_in(place).unwrap();
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--allow-file-access-from-files"])
        // Time of the page, not of the clock: it passes as soon as there is nothing to do.
        .arg("--virtual-time-budget=5000")
        .arg(format!("--window-size={size}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--dump-dom", url])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What a page shows: a `pre` that the driver below fills.
pub fn said(dom: &str) -> String {
    let inner = dom.split_once("<pre id=\"said\">").and_then(|(_, rest)| rest.split_once("</pre>"));
    inner.map(|(said, _)| said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")).unwrap_or_default()
}

/// Loads a report in a frame as wide as `width`, runs `steps` on it as a reader's hand would and gives what they say.
pub fn drive(browser: &Path, report: &Path, fragment: &str, width: u32, steps: &str) -> String {
    let place = report.parent().unwrap();
    let driver = tempfile::Builder::new().suffix(".html").tempfile_in(place).unwrap();
    let page = format!(
        "<!DOCTYPE html><meta charset=utf-8><iframe id=f width={width} height=900></iframe><pre id=said></pre><script>
const f = document.getElementById('f'), said = document.getElementById('said');
const say = (text) => {{ said.textContent += text + '\\n'; }};
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
f.addEventListener('load', async () => {{
  const page = f.contentDocument, $ = (s) => page.querySelector(s), all = (s) => [...page.querySelectorAll(s)];
  try {{ {steps} }} catch (e) {{ say('FAILED ' + e); }}
  say('errors ' + $('#errors').dataset.count);
}});
f.src = '{}{fragment}';
</script>",
        report.file_name().unwrap().to_str().unwrap()
    );
    std::fs::write(driver.path(), page).unwrap();
    said(&dom(browser, place, &format!("file://{}", driver.path().display()), "1280,900"))
}
