//! The status page in a real browser: Chromium, driven by chromedriver.
//!
//! Where one of the two is not installed the tests say so and pass; with `BROWSER_TESTS=required` they fail.
//! `UPDATE_SCREENSHOT=1` makes the README's picture anew.

mod browser;
mod page;
mod site;
mod webdriver;
