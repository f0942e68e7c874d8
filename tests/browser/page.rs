//! What the page shows, and what an operator does with it.

use std::path::Path;

use serde_json::json;

use crate::{
    browser::{Browser, ENTER, ESCAPE, Screen, TAB},
    site::{MARKUP, Site, TOKEN},
};

const LAPTOP: Screen = Screen { width: 1280, height: 900, dark: false };

/// Nothing was complained of, and nothing asked for elsewhere.
fn is_clean(browser: &Browser, site: &Site) {
    assert_eq!(browser.complaints(), [""; 0]);
    let requested = browser.requested();
    assert!(!requested.is_empty());
    let origin = format!("http://{}/ops", site.address);
    for url in requested {
        assert!(url.starts_with(&origin) || url.starts_with("data:"), "{url}");
        assert!(!url.contains(TOKEN), "{url}");
    }
}

/// Reaches the token's field by Tab, and goes in.
fn unlock(browser: &Browser) {
    browser
        .eventually("!document.getElementById('unlock').hidden && !document.getElementById('lookup').hidden");
    browser.tab_to("element.id === 'token'");
    browser.press(TOKEN.chars().chain([ENTER]));
    browser.eventually("document.activeElement.id === 'sought'");
}

#[test]
fn its_figures_move_and_say_what_is_wrong() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    browser.set_screen(LAPTOP);
    // With a slash at its end or without, the page finds its data.
    for url in [site.page(), site.page() + "/"] {
        browser.open(&url);
        browser.eventually("document.getElementById('link').textContent.startsWith('Live')");
    }
    assert_eq!(browser.text("#status"), "OK");
    site.read_on();
    let number = "(id) => parseFloat(document.getElementById(id).textContent) || 0";
    browser.eventually(&format!("({number})('rate') > 20"));
    browser.eventually(&format!("({number})('hit') > 1"));
    browser.eventually(&format!("({number})('saved') > 1"));
    browser.eventually("document.querySelector('#line .hit').getAttribute('d').length > 0");
    browser.eventually("document.querySelector('#latency td').textContent.endsWith('s')");
    let requests = || browser.eval("document.querySelector('#outcomes tbody td:last-child').textContent");
    let before = requests();
    browser.eventually(&format!(
        "document.querySelector('#outcomes tbody td:last-child').textContent !== {before}"
    ));

    site.set_down(true);
    browser.eventually("document.getElementById('verdict').className === 'degraded'");
    browser.eventually(
        "/Breaker feed is open, next probe in [0-9.]+ s/.test(document.getElementById('why').textContent)",
    );
    let countdown = "parseFloat(document.querySelector('#breakers td.bad + td').textContent.slice(3))";
    let left = browser.eventually(countdown);
    browser.eventually(&format!("{countdown} < {left}"));
    assert!(browser.text("#breakers").contains("✕ open"));
    for event in ["breaker opened", "refresh failed"] {
        browser.eventually(&format!("document.getElementById('events').textContent.includes('{event}')"));
    }
    is_clean(&browser, &site);
}

#[test]
fn what_is_stored_is_found_shown_and_purged_by_the_keyboard_alone() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    for path in ["/odds/nba", "/odds/nba", "/odds/nfl"] {
        site.ask(path);
    }
    browser.set_screen(LAPTOP);
    browser.open(&site.page());
    unlock(&browser);
    browser.press("nba".chars().chain([ENTER]));
    browser.eventually("document.getElementById('said').textContent === '1 key found.'");
    browser.tab_to("element.textContent.endsWith('/odds/nba')");
    browser.press([ENTER]);
    browser.eventually("document.activeElement.id === 'entry'");
    let entry = browser.text("#entry");
    for shown in ["fresh", "200", "Hits\n1", "Fresh until\n20", "Tags\nnba odds", "x-api-token\n(not shown)"]
    {
        assert!(entry.contains(shown), "{shown}: {entry}");
    }
    assert!(!entry.contains("hidden") && !entry.contains("xxx"), "{entry}");

    // Counted only, then asked and refused, then marked stale, then removed.
    browser.tab_to("element.textContent === 'Dry run'");
    browser.press([ENTER]);
    browser
        .eventually("document.getElementById('said').textContent.includes('would take 1 stored response')");
    browser.tab_to("element.textContent === 'Remove…'");
    browser.press([ENTER]);
    browser
        .eventually("document.getElementById('confirm').open && document.activeElement.id === 'confirm-no'");
    assert!(browser.text("#confirm-text").starts_with("1 stored response of key odds|"));
    browser.press([ESCAPE]);
    browser.eventually("document.getElementById('said').textContent === 'Nothing was changed.'");
    assert!(site.ask("/odds/nba").ends_with("; hit"));

    browser.press(['\u{e008}', TAB, '\u{e008}']);
    browser.tab_to("element.textContent === 'Mark stale…'");
    browser.press([ENTER]);
    browser.eventually("document.getElementById('confirm').open");
    browser.press([TAB, ENTER]);
    browser.eventually(
        "document.getElementById('said').textContent.startsWith('Marked stale: 1 stored response')",
    );
    assert!(site.ask("/odds/nba").ends_with("; hit; detail=stale"));

    browser.tab_to("element.textContent.endsWith('/odds/nba')");
    browser.press([ENTER]);
    browser.eventually("document.activeElement.id === 'entry'");
    browser.tab_to("element.textContent === 'Remove…'");
    browser.press([ENTER]);
    browser.eventually("document.getElementById('confirm').open");
    browser.press([TAB, ENTER]);
    browser
        .eventually("document.getElementById('said').textContent.startsWith('Removed: 1 stored response')");
    assert!(site.ask("/odds/nba").contains("fwd=uri-miss"), "gone");
    assert!(site.ask("/odds/nfl").contains("; hit"), "not meant");
    is_clean(&browser, &site);
}

#[test]
fn names_made_of_markup_are_text() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::with_markup();
    site.ask("/odd/1");
    browser.set_screen(LAPTOP);
    browser.open(&site.page());
    unlock(&browser);
    // As the last words of a row, of a search by text and by tag, of an entry, and of a question.
    let key = format!("<b>{MARKUP}|{MARKUP}");
    let shown = |selector: &str, text: &str| {
        let found = browser.text(selector);
        assert!(found.contains(text), "{selector}: {found}");
        let made =
            browser.eval("document.querySelectorAll('main img, main script, main b b, td b, th b').length");
        assert_eq!(made, json!(0), "{selector}");
    };
    browser.eventually("document.querySelector('#found button')");
    shown("#found", &key);
    shown("#found", "<b>bold</b>");
    shown("#routes", &format!("<b>{MARKUP}"));
    browser.eval("document.querySelector('#found button').click()");
    browser.eventually("document.activeElement.id === 'entry'");
    shown("#entry", &key);
    browser.eval("[...document.querySelectorAll('#entry button')].find((one) => one.textContent === '<b>bold</b>').click()");
    browser.eventually("document.getElementById('sought').value === '<b>bold</b>' && !document.getElementById('found-actions').hidden");
    browser.eval("document.querySelector('#found-actions .grave').click()");
    browser.eventually("document.getElementById('confirm').open");
    shown("#confirm", "<b>bold</b>");
    assert_ne!(browser.eval("document.title"), json!("fallen"));
    is_clean(&browser, &site);

    // And if some markup got in, it would not run.
    browser.eval("document.body.append(Object.assign(document.createElement('script'), { textContent: 'document.title = `fallen`' }))");
    assert!(browser.complaints().join("\n").contains("Content Security Policy"));
    assert_ne!(browser.eval("document.title"), json!("fallen"));
}

#[test]
fn without_javascript_it_is_a_plain_table() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::with_markup();
    for path in ["/odds/nba", "/odds/nba", "/odds/nba", "/odds/nba", "/odd/1"] {
        site.ask(path);
    }
    browser.set_screen(LAPTOP);
    browser.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    browser.open(&site.page());
    let body = browser.text("body");
    assert!(body.contains("Reload the page"), "{body}");
    assert!(body.contains("odds\t–\t4\t75.0 %\t75.0 %"), "{body}");
    assert!(body.contains(&format!("<b>{MARKUP}\t–\t1\t0.0 %")), "{body}");
    assert!(body.contains("feed\tclosed"), "{body}");
    assert!(!body.contains("Unlock") && !body.contains("Live"), "{body}");
    is_clean(&browser, &site);
}

#[test]
fn it_fits_a_phone() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::with_markup();
    for path in ["/odds/nba", "/odd/1"] {
        site.ask(path);
    }
    for dark in [false, true] {
        browser.set_screen(Screen { width: 360, height: 740, dark });
        browser.open(&site.page());
        unlock(&browser);
        browser.press([ENTER]);
        browser.eventually("document.querySelectorAll('#found button').length === 2");
        browser.eval("document.querySelector('#found button').click()");
        browser.eventually("document.activeElement.id === 'entry'");
        let wide = browser.eval("[document.documentElement.scrollWidth, innerWidth]");
        assert_eq!(wide, json!([360, 360]), "nothing stands out of the screen");
        let ground = browser.eval("getComputedStyle(document.body).backgroundColor");
        assert_eq!(ground == json!("rgb(18, 20, 23)"), dark, "{ground}");
    }
    is_clean(&browser, &site);
}

#[test]
fn a_service_that_is_gone_is_said_and_asked_again() {
    let Some(browser) = Browser::start() else { return };
    let mut site = Site::start();
    browser.set_screen(LAPTOP);
    browser.open(&site.page());
    browser.eventually("document.getElementById('link').textContent.startsWith('Live')");
    site.stop();
    browser.eventually("document.getElementById('status').textContent === 'No connection'");
    browser.eventually("/asking again in [0-9.]+ s/.test(document.getElementById('why').textContent)");
    site.listen();
    browser.eventually("document.getElementById('status').textContent === 'OK'");
}

#[test]
fn its_picture_is_made() {
    if std::env::var_os("UPDATE_SCREENSHOT").is_none() {
        return;
    }
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    site.read_on();
    let shape = |height| Screen { width: 1200, height, dark: false };
    browser.set_screen(shape(1000));
    browser.open(&site.page());
    // Long enough for a line; the worst minute is taken in the middle of it.
    let points =
        |n: u32| format!("document.querySelector('#line .hit')?.getAttribute('d').split('L').length > {n}");
    browser.eventually(&points(3));
    site.set_down(true);
    browser.eventually("document.getElementById('verdict').className === 'degraded'");
    browser.eventually(&points(4));
    site.set_down(false);
    browser.eventually("document.getElementById('verdict').className === 'ok'");
    let height = browser.eval("document.documentElement.scrollHeight").as_u64().unwrap_or(1000);
    browser.set_screen(shape(u32::try_from(height).unwrap_or(1000)));
    browser.screenshot(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/status-page.png"));
}
