//! A headless Chromium with an empty profile; one at a time, and none left behind.
#![allow(clippy::disallowed_methods, reason = "a browser is waited for in real time")]

use std::{
    env,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::webdriver::WebDriver;

/// How long anything may take that has to happen. Long, since it is only waited for by tests that fail.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The keys that have no character.
pub(crate) const TAB: char = '\u{e004}';
pub(crate) const ENTER: char = '\u{e007}';
pub(crate) const ESCAPE: char = '\u{e00c}';

static TURN: Mutex<()> = Mutex::new(());

/// A browser; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Browser {
    driver: WebDriver,
    process: Child,
    session: String,
    profile: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

/// How a screen is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) dark: bool,
}

impl Browser {
    /// `None`, with a word to whoever reads the output, where there is no Chromium or no chromedriver.
    pub(crate) fn start() -> Option<Self> {
        let found = (find(&["chromium", "chromium-browser", "google-chrome"]), find(&["chromedriver"]));
        let (Some(chromium), Some(chromedriver)) = found else {
            let missing =
                "chromium and chromedriver are wanted (Debian: apt install chromium chromium-driver)";
            assert!(env::var("BROWSER_TESTS").as_deref() != Ok("required"), "{missing}");
            eprintln!("skipped: {missing}");
            return None;
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut process = Command::new(chromedriver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let mut lines = BufReader::new(process.stdout.take().expect("is piped")).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            line.strip_suffix('.')?.rsplit_once(" on port ")?.1.parse().ok()
        });
        let driver = WebDriver { port: port.expect("it says its port") };
        thread::spawn(move || lines.for_each(drop));
        let profile = env::temp_dir().join(format!("browser-tests-{}-{}", process.id(), driver.port));
        std::fs::create_dir_all(&profile).expect("a folder for the profile");
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--lang=en-GB",
            &format!("--user-data-dir={}", profile.display()),
        ];
        // It is there before the session, so that nothing is left behind without one.
        let mut browser = Self { driver, process, session: String::new(), profile, _turn: turn };
        let session = driver.session(&chromium.to_string_lossy(), &arguments.map(ToOwned::to_owned));
        browser.session = session.expect("a session");
        Some(browser)
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/session/{}{path}", self.session);
        self.driver.command(method, &path, body).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A command of the DevTools protocol.
    pub(crate) fn devtools(&self, command: &str, parameters: &Value) -> Value {
        self.command("POST", "/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    pub(crate) fn open(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// What an expression of JavaScript comes to, in the page.
    pub(crate) fn eval(&self, expression: &str) -> Value {
        let body = json!({ "script": format!("return ({expression});"), "args": [] });
        self.command("POST", "/execute/sync", &body)
    }

    /// The text of the element that a selector finds.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.eval(&format!("document.querySelector({})?.innerText ?? ''", json!(selector)));
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression comes to something that is not false, null, or 0.
    pub(crate) fn eventually(&self, expression: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let value = self.eval(expression);
            if !matches!(&value, Value::Null | Value::Bool(false)) && value != json!(0) {
                return value;
            }
            assert!(Instant::now() < deadline, "in vain: {expression}; the page: {}", self.text("body"));
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Presses keys, one after the other, as a person at the keyboard.
    pub(crate) fn press(&self, keys: impl IntoIterator<Item = char>) {
        let strokes: Vec<_> = keys
            .into_iter()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.command("POST", "/actions", &keyboard);
    }

    /// Presses Tab until an expression about `element`, the one with the focus, is true.
    pub(crate) fn tab_to(&self, what: &str) {
        for _ in 0..100 {
            self.press([TAB]);
            if self.eval(&format!("((element) => {what})(document.activeElement)")) == json!(true) {
                return;
            }
        }
        panic!("not reached by Tab: {what}");
    }

    pub(crate) fn set_screen(&self, Screen { width, height, dark }: Screen) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &metrics);
        let scheme = json!({ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [scheme] }));
    }

    /// What the page and the browser complained of since they were last asked.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let lines = self.command("POST", "/se/log", &json!({ "type": "browser" }));
        let lines = lines.as_array().expect("a list").iter();
        lines.map(|line| format!("{}: {}", line["level"], line["message"])).collect()
    }

    /// The URLs that were asked for since the last look at them; what Chromium has on board (its first, empty tab) aside.
    pub(crate) fn requested(&self) -> Vec<String> {
        let lines = self.command("POST", "/se/log", &json!({ "type": "performance" }));
        let lines = lines.as_array().expect("a list").iter();
        let messages: Vec<Value> =
            lines.filter_map(|line| serde_json::from_str(line["message"].as_str()?).ok()).collect();
        let sent = messages.iter().filter(|line| line["message"]["method"] == "Network.requestWillBeSent");
        let urls = sent.filter_map(|line| line["message"]["params"]["request"]["url"].as_str());
        urls.filter(|url| !url.starts_with("chrome://")).map(ToOwned::to_owned).collect()
    }

    /// A picture of the page, from its top, as a PNG.
    pub(crate) fn screenshot(&self, path: &Path) {
        let shot = self.devtools("Page.captureScreenshot", &json!({ "format": "png" }));
        let png = STANDARD.decode(shot["data"].as_str().expect("a picture")).expect("is base64");
        std::fs::write(path, png).expect("is written");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser first, which is the driver's child; what does not end by itself is killed with the driver.
        let path = format!("/session/{}", self.session);
        let _ = self.driver.command("DELETE", &path, &Value::Null);
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// The first of these programs that is installed.
fn find(names: &[&str]) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    let folders: Vec<_> = env::split_paths(&paths).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}
