//! A drawn history, as a browser shows it: is everything there, in its place, and readable? Without a
//! browser nothing is checked, and a line says so, which is an error if `BROWSER_CHECKED` is set.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use package_indexer::testing::contention;
use package_indexer::testing::history::History;
use package_indexer::{Command, Reply};

use crate::optional;

/// What is left out where no browser is installed.
const TESTS: &str = "what a browser shows of a drawn history";

/// Short and long labels in short and long bars, clients that ask ahead, one that is never answered, and
/// a long time in which nothing happens. What client 8 is told cannot be.
const WRONG: &str = "
    @101.2   3> INDEX|a|
    @133     3< OK
    @150.1   7> INDEX|b|a
    @151     7> QUERY|b|
    @160     2> REMOVE|b|
    @171.9   7< OK
    @172.5   7< OK
    @181     2< OK
    @8200    7> INDEX|b-by-another-name|a,and,so,many,others,that,the,label,is,cut
    @8203.25 5> INDEX|c|
    @8215.7  7< FAIL
    @8217    2> QUERY|a|
    @8217.5  2< OK
    @8260    8> QUERY|a|
    @8290    8< FAIL
    @8301    2> QUERY|a|
    @8330    2< OK
";

/// Writes down where each mark and each text is, by class.
const MEASURE: &str = "<pre hidden id=\"measured\"></pre><script>
    const lines = ['measured'];
    for (const mark of document.querySelectorAll('.lanes .bar rect, rect.explained, svg text')) {
        const box = mark.getBBox();
        if (box.width > 0 && box.height > 0) {
            const { left, top, right, bottom } = mark.getBoundingClientRect();
            const bar = mark.closest('.bar');
            const of = bar ? bar.getAttribute('class').replace(' ', '-') : 'none';
            const color = getComputedStyle(mark).fill.replaceAll(' ', '');
            const words = [mark.localName, mark.classList.item(mark.classList.length - 1) ?? 'cut', of, color];
            lines.push([...words, left, top, right, bottom].join(' '));
        }
    }
    document.getElementById('measured').textContent = lines.join('\\n');
</script>";

/// Writes down what is seen of the fault when the page has opened, and how well each text can be read: the
/// least contrast with what is below it, by WCAG's measure.
const OPENED: &str = "<pre hidden id=\"measured\"></pre><script>
    const light = color => {
        const parts = color.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255);
        const linear = parts.map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const contrast = (one, other) => {
        const [most, least] = [light(one), light(other)].sort((a, b) => b - a);
        return (most + 0.05) / (least + 0.05);
    };
    const style = mark => getComputedStyle(mark);
    const measure = () => {
        const page = style(document.body).backgroundColor;
        const explained = style(document.querySelector('rect.explained')).fill;
        const contrasts = [...document.querySelectorAll('svg text')].flatMap(text => {
            const bar = text.closest('.bar');
            const inside = text.classList.contains('inside');
            const below = inside ? [...bar.querySelectorAll('rect')].map(mark => style(mark).fill)
                : [page, explained];
            return below.filter(it => it.startsWith('rgb')).map(it => contrast(style(text).fill, it));
        });
        contrasts.push(contrast(style(document.body).color, page));
        const [names, picture] = ['.names', '.picture']
            .map(it => document.querySelector(it).getBoundingClientRect());
        const fault = [...document.querySelectorAll('.bar.fault text')].map(it => it.getBoundingClientRect());
        const edge = document.querySelector('path.edge').getBoundingClientRect();
        const root = document.documentElement;
        document.getElementById('measured').textContent = ['measured', light(page), Math.min(...contrasts),
            root.scrollWidth, innerWidth, innerHeight, names.right, picture.right, edge.left,
            Math.min(...fault.map(it => it.left)), Math.max(...fault.map(it => it.right)),
            Math.min(...fault.map(it => it.top)), Math.max(...fault.map(it => it.bottom))].join(' ');
    };
    // A browser gives the focus with its first frame. Without a screen there may be none in time.
    addEventListener('load', () => {
        document.querySelector('[autofocus]').focus();
        measure();
    });
</script>";

/// A screen.
struct Screen {
    width: u32,
    height: u32,
    is_dark: bool,
}

/// What the tests measure first.
const DESK: Screen = Screen { width: 1_280, height: 640, is_dark: false };

/// Opens a page as on a screen; returns what the page has become.
fn opened(browser: &str, page: &Path, picture: &Path, screen: &Screen) -> String {
    let Screen { width, height, is_dark } = screen;
    let scheme = if *is_dark { "--blink-settings=preferredColorScheme=0" } else { "--no-pings" };
    let output = Process::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", scheme])
        .args(["--no-first-run", "--disable-background-networking", "--virtual-time-budget=2000"])
        .arg(format!("--window-size={width},{height}"))
        .arg(format!("--user-data-dir={}", page.with_extension("profile").display()))
        .arg(format!("--screenshot={}", picture.display()))
        .arg("--dump-dom")
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{browser}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Where something is, in pixels.
#[derive(Debug, Clone)]
struct Mark {
    element: String,
    class: String,
    /// The kind of bar that it belongs to.
    bar: String,
    color: String,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Mark {
    fn read(line: &str) -> Self {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse().unwrap();
        let word = |at: usize| words[at].to_owned();
        let (element, class, bar, color) = (word(0), word(1), word(2), word(3));
        let (left, top, right, bottom) = (number(4), number(5), number(6), number(7));
        Self { element, class, bar, color, left, top, right, bottom }
    }

    fn covers(&self, other: &Self) -> bool {
        self.left < other.right - 0.5
            && other.left < self.right - 0.5
            && self.top < other.bottom - 0.5
            && other.top < self.bottom - 0.5
    }

    fn is_within(&self, other: &Self) -> bool {
        other.left <= self.left && self.right <= other.right && other.top <= self.top
    }
}

#[test]
fn a_browser_shows_every_bar_and_every_label_and_what_is_marked() {
    let history: History<Command, Reply> = WRONG.parse().unwrap();
    let unexplained = contention::checker().first_unexplained(&history);
    assert_eq!(unexplained, Some(7));
    let page = history.to_html("A server that forgets", unexplained);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("drawing");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("drawing.html"), &page).unwrap();
    let measuring = folder.join("measuring.html");
    fs::write(&measuring, page.replace("</body>", &format!("{MEASURE}</body>"))).unwrap();
    let Some(browser) = optional::BROWSER.needed_by(TESTS) else { return };
    let picture = folder.join("drawing.png");
    let _none_yet = fs::remove_file(&picture);
    let document = opened(browser, &measuring, &picture, &DESK);
    let measured = measured(&document);
    let marks: Vec<Mark> = measured.lines().map(Mark::read).collect();

    // Nine bars, of which one turns pale on its way; none of them is without its label.
    let of = |element: &str, bar: &str| {
        let is = |mark: &&Mark| mark.element == element && mark.bar == bar;
        marks.iter().filter(is).cloned().collect::<Vec<_>>()
    };
    let bars = ["bar-plain", "bar-open", "bar-fault", "bar-later"];
    assert_eq!(bars.map(|bar| of("rect", bar).len()), [6, 2, 1, 1], "{measured}");
    assert_eq!(bars.map(|bar| of("text", bar).len()), [6, 1, 2, 1], "{measured}");

    // The fault has a color of its own, and stands at the end of what is explained.
    let fault = &of("rect", "bar-fault")[0];
    let others: Vec<_> = marks.iter().filter(|mark| mark.color == fault.color).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    let explained = marks.iter().find(|mark| mark.element == "rect" && mark.bar == "none").unwrap();
    assert!((explained.right - fault.right).abs() < 1.0, "{explained:?} {fault:?}");
    assert!(fault.is_within(explained) && of("rect", "bar-plain")[0].is_within(explained));
    let later = &of("rect", "bar-later")[0];
    assert!(!later.covers(explained), "{later:?}");

    // No text covers another, and what is written in a bar is within it.
    let texts: Vec<_> = marks.iter().filter(|mark| mark.element == "text").collect();
    for (at, text) in texts.iter().enumerate() {
        let covered = texts[..at].iter().find(|other| text.covers(other));
        assert!(covered.is_none(), "{text:?} covers {covered:?}");
        let boxes = marks.iter().filter(|mark| mark.element == "rect" && mark.bar != "none");
        let touched: Vec<_> =
            boxes.filter(|mark| mark.bar == text.bar && text.covers(mark)).collect();
        let (left, right) = touched.iter().fold((f64::MAX, 0.0_f64), |(left, right), mark| {
            (left.min(mark.left), right.max(mark.right))
        });
        let inside = left <= text.left && text.right <= right;
        assert_eq!(text.class == "inside", !touched.is_empty() && inside, "{text:?} {touched:?}");
    }

    // A picture of an empty page takes some four kilobytes.
    let picture = fs::read(&picture).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 20_000, "{} bytes", picture.len());
}

/// What a page has measured of itself.
fn measured(document: &str) -> &str {
    let measured = document.split_once(" id=\"measured\">measured");
    let (_, measured) = measured.unwrap_or_else(|| panic!("not measured: {document}"));
    measured.split_once("</pre>").unwrap().0.trim_start()
}

#[test]
fn a_page_opens_at_the_fault_on_every_screen_light_or_dark() {
    // Far to the right, with more after it.
    let query = |from: usize, count: usize| -> String {
        let times = (from..from + count).map(|number| (number % 5 + 11, 20 * number));
        times
            .map(|(client, at)| format!("@{at} {client}> QUERY|z|\n@{} {client}< FAIL\n", at + 15))
            .collect()
    };
    let wrong = "@4000 2> INDEX|a|\n@4010 2< OK\n@4020 8> QUERY|a|\n@4050 8< FAIL\n";
    let history = query(0, 200) + wrong + &query(203, 40);
    let history: History<Command, Reply> = history.parse().unwrap();
    let unexplained = contention::checker().first_unexplained(&history);
    assert_eq!(unexplained, Some(201));
    let page = history.to_html("A server that forgets what it was told", unexplained);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("drawing-opened");
    fs::create_dir_all(&folder).unwrap();
    let measuring = folder.join("measuring.html");
    fs::write(&measuring, page.replace("</body>", &format!("{OPENED}</body>"))).unwrap();
    let Some(browser) = optional::BROWSER.needed_by(TESTS) else { return };
    for (width, height) in [(1_280, 720), (420, 800)] {
        for is_dark in [false, true] {
            let picture =
                folder.join(format!("{width}-{}.png", if is_dark { "dark" } else { "light" }));
            let document =
                opened(browser, &measuring, &picture, &Screen { width, height, is_dark });
            let seen = measured(&document);
            let numbers: Vec<f64> = seen.split(' ').map(|number| number.parse().unwrap()).collect();
            let [
                light,
                contrast,
                page,
                inner,
                inner_height,
                names,
                end,
                edge,
                left,
                right,
                top,
                bottom,
            ] = numbers[..]
            else {
                panic!("{seen}")
            };
            assert_eq!((light < 0.1, light > 0.9), (is_dark, !is_dark), "{seen}");
            assert!(contrast >= 4.5, "{seen}");
            // Nothing but the picture is wider than the screen, and of it the fault is seen.
            assert!(
                (inner - f64::from(width)).abs() < 0.5 && page <= inner && end <= inner,
                "{seen}"
            );
            assert!(names < edge && edge < end && names < left && right < end, "{seen}");
            assert!(0.0 <= top && bottom <= inner_height, "{seen}");
        }
    }
}

#[test]
fn a_person_sees_that_there_was_no_browser() {
    let shown = "drawing::a_browser_shows_every_bar_and_every_label_and_what_is_marked";
    let said = optional::said_without_programs(shown);
    assert!(said.contains(&format!("\nleft out: {TESTS}: chromium-headless-shell or ")), "{said}");
}
