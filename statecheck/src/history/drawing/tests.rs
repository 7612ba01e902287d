//! Tests of drawings: the texts in them, the places of the bars, and the marks.

use std::time::Duration;

use super::*;
use crate::fixture::{Command, Reply, checker};

/// Two clients. The second is told something wrong, and then the first something right.
const WRONG: &str = "\
    @100 1> INDEX|a|\n@110 2> QUERY|b|\n@120 2< FAIL\n@130 1< OK\n@140 3> QUERY|a|\n@150 2> QUERY|a|\n\
    @180 2< FAIL\n@190 3< OK\n@200 1> QUERY|a|\n@220 1< OK\n@230 1> REMOVE|a|\n";

fn words(text: &str) -> Words {
    text.parse::<History<Command, Reply>>()
        .unwrap()
        .in_words(ToString::to_string, ToString::to_string)
}

/// A history in which one client asks this, and is told that.
fn told(command: &str, reply: &str) -> Words {
    let mut history = Words::default();
    history.call(1, command.to_owned());
    history.reply(1, reply.to_owned()).unwrap();
    history
}

fn laid_out(history: &Words, fault: Option<usize>) -> (Scale, Layout) {
    let scale = Scale::new(history, 0.0);
    let layout = Layout::new(history, &scale, Fault::new(history, fault));
    (scale, layout)
}

/// The groups of the bars, in the order of the operations.
fn bars(page: &str) -> Vec<&str> {
    let groups = page.split("<g class=\"bar ").skip(1);
    groups.map(|rest| rest.split("</g>").next().unwrap()).collect()
}

/// The first number in this attribute of an element of this class.
fn number(page: &str, element: &str, attribute: &str) -> f64 {
    let (_, rest) = page.split_once(element).unwrap_or_else(|| panic!("no {element} in {page}"));
    let (_, rest) = rest.split_once(&format!(" {attribute}=\"")).unwrap();
    rest.split_once('"').unwrap().0.parse().unwrap()
}

#[test]
fn no_text_is_taken_for_markup() {
    let nasty = "<script>\"&amp;'\u{7}\n</script>";
    let page = told(nasty, nasty).to_html(nasty, Some(0));
    let safe = "&lt;script&gt;&quot;&amp;amp;&#39;\\u{7}\\n&lt;/script&gt;";
    assert_eq!(escaped(nasty), safe);
    // In the head, in the heading, in the sentence, in the picture.
    for place in [
        format!("<title>{safe}</title>\n<style>"),
        format!("<h1>{safe}</h1>"),
        format!("<code>{safe}</code>"),
        format!("<code class=\"fault\">{safe}</code>"),
        format!("client 1: {safe}\ncalled as event 0\nanswered as event 1: {safe}</title>"),
    ] {
        assert!(page.contains(&place), "{place} is not in {page}");
    }
    assert!(!page.contains("<script"), "{page}");
    assert!(!page.contains("&amp;'") && !page.contains('\u{7}'), "{page}");
}

#[test]
fn a_page_needs_nothing_else_and_is_the_same_each_time() {
    let history = words(WRONG);
    let page = history.to_html("Two clients", Some(3));
    assert_eq!(history.to_html("Two clients", Some(3)), page);
    for loaded in ["http", "src=", "href=", "url(", "@import", "<script"] {
        let own = page.replace("url(#", "").replace("href=\"#fault\"", "");
        assert!(!own.contains(loaded), "{loaded} is in {page}");
    }
}

#[test]
fn bars_go_from_call_to_reply_to_scale() {
    let history = words(WRONG);
    let (scale, layout) = laid_out(&history, None);
    assert!(scale.is_in_time());
    let unit = (scale.place(10) - scale.place(0)) / 130.0;
    for (bar, (called, answered)) in layout.bars.iter().zip([
        (0.0, 30.0),
        (10.0, 20.0),
        (40.0, 90.0),
        (50.0, 80.0),
        (100.0, 120.0),
    ]) {
        let place = |time: f64| scale.place(0) + time * unit;
        assert!((bar.left - place(called)).abs() < 0.01, "{called}");
        assert!((bar.right - place(answered)).abs() < 0.01, "{answered}");
    }
    let page = history.to_html("", None);
    assert!(page.contains(">time, </tspan>µs</text>"), "{page}");
    assert!(page.contains("called at 150 µs\nanswered at 180 µs: FAIL</title>"), "{page}");
    assert!(page.contains(">160</text>"), "{page}");
    let drawn = bars(&page);
    let (first, fourth) = (number(drawn[0], "<rect", "x"), number(drawn[3], "<rect", "x"));
    let unit = number(drawn[0], "<rect", "width") / 30.0;
    assert!((fourth - first - 50.0 * unit).abs() < 0.5, "{first} {fourth} {unit}");
}

#[test]
fn without_all_times_events_are_equally_long_as_the_axis_says() {
    let history = words(&WRONG.replace("@180 ", ""));
    let (scale, _) = laid_out(&history, None);
    assert!(!scale.is_in_time());
    let unit = scale.place(1) - scale.place(0);
    for event in 0..10 {
        assert!((scale.place(event + 1) - scale.place(event) - unit).abs() < 0.01, "{event}");
    }
    let page = history.to_html("", None);
    for said in [">events</text>", "drawn to scale in events, not in time", "answered as event 6"] {
        assert!(page.contains(said), "{said} is not in {page}");
    }
}

#[test]
fn a_long_time_without_calls_is_left_out_and_named() {
    let history = words("@0 1> QUERY|a|\n@10 1< FAIL\n@5010.5 2> QUERY|a|\n@5020.5 2< FAIL\n");
    let (scale, layout) = laid_out(&history, None);
    let widths: Vec<_> = layout.bars.iter().map(|bar| bar.right - bar.left).collect();
    assert!((widths[0] - widths[1]).abs() < 0.01 && widths[0] > 300.0, "{widths:?}");
    let cuts: Vec<_> = scale.cuts().map(|cut| (cut.left, cut.right, cut.length)).collect();
    assert_eq!(cuts, [(layout.bars[0].right, layout.bars[1].left, 5_000.5)]);
    assert!(history.to_html("", None).contains(">5,000 µs</text>"));
    // While something is under way nothing is left out. Short times are not left out either.
    let busy =
        words("@0 3> QUERY|a|\n@1 1> QUERY|a|\n@10 1< FAIL\n@5010 2> QUERY|a|\n@5020 2< FAIL\n");
    assert_eq!(laid_out(&busy, None).0.cuts().count(), 0);
    assert_eq!(laid_out(&words(WRONG), None).0.cuts().count(), 0);
}

#[test]
fn each_client_has_a_lane_and_concurrent_calls_a_row_each() {
    let history = words(
        "9> INDEX|a|\n9> QUERY|a|\n2> QUERY|a|\n9< OK\n9< OK\n2< OK\n9> QUERY|b|\n9< FAIL\n10> QUERY|a|\n",
    );
    let (_, layout) = laid_out(&history, None);
    let lanes: Vec<_> = layout.lanes.iter().map(|lane| lane.client).collect();
    assert_eq!(lanes, [2, 9, 10]);
    let lane_of = |number: usize| {
        let top = layout.bars[number].top;
        layout.lanes.iter().position(|lane| (lane.top..lane.top + lane.height).contains(&top))
    };
    assert_eq!([0, 1, 2, 3, 4].map(lane_of), [Some(1), Some(1), Some(0), Some(1), Some(2)]);
    assert!(layout.bars[0].top < layout.bars[1].top);
    // The first row is free again.
    assert!((layout.bars[0].top - layout.bars[3].top).abs() < 0.01);
    let page = history.to_html("", None);
    let names: Vec<_> =
        [2, 9, 10].map(|client| page.find(&format!(">client </tspan>{client}</text>"))).into();
    assert!(names.is_sorted() && names[0].is_some(), "{names:?}");
}

#[test]
fn what_no_order_explains_is_marked_and_what_is_around_it() {
    let history: History<Command, Reply> = WRONG.parse().unwrap();
    let unexplained = checker().first_unexplained(&history);
    assert_eq!(unexplained, Some(3));
    let page = history.to_html("", unexplained);
    let classes: Vec<_> =
        bars(&page).iter().map(|bar| bar.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(classes, ["plain", "plain", "plain", "fault", "later", "later"]);
    let noted: Vec<_> = bars(&page).iter().map(|bar| bar.contains("no order explains")).collect();
    assert_eq!(noted, [false, false, false, true, false, false]);
    // The explained part ends at that reply, and there the other command under way turns pale.
    let (edge, left) = (
        number(&page, "<rect class=\"explained\"", "width"),
        number(&page, "<rect class=\"explained\"", "x"),
    );
    let fault = bars(&page)[3];
    let end = number(fault, "<rect", "x") + number(fault, "<rect", "width");
    assert!(left < 0.01 && (edge - end).abs() < 0.11, "{edge} {end}");
    let under_way = bars(&page)[2];
    assert!(under_way.contains("class=\"pale\""), "{under_way}");
    let full =
        number(under_way, "class=\"full\"", "x") + number(under_way, "class=\"full\"", "width");
    assert!((full - edge).abs() < 0.11, "{full} {edge}");
    assert!(
        page.contains(
            "Client 2 was told <code class=\"fault\">FAIL</code> to <code>QUERY|a|</code>"
        )
    );
    for mark in ["plain", "open", "explained", "fault", "later"] {
        assert!(page.contains(&format!("<i class=\"{mark}\">")), "{mark}");
    }
}

#[test]
fn a_page_opens_at_the_end_of_the_bar_of_the_fault() {
    // The same fault in three bars: without room, with room for the label, and with room for the note too.
    for (length, inside) in [(1, [false, false]), (40, [true, false]), (200, [true, true])] {
        let text = format!(
            "@0 1> QUERY|a|\n@0 3> QUERY|c|\n@{length} 1< OK\n@210 2> QUERY|b|\n@220 2< FAIL\n"
        );
        let page = words(&text).to_html("", Some(0));
        let fault = bars(&page)[0];
        assert_eq!(["label", "note"].map(|it| fault.contains(&format!("{it} inside"))), inside);
        let [label, note] =
            ["label", "note"].map(|it| number(fault, &format!("<text class=\"{it}"), "x"));
        let edge = number(&page, "<rect class=\"explained\"", "width");
        let (_, opening) = page.split_once("<div id=\"fault\" tabindex=\"-1\" autofocus").unwrap();
        let pixels = |side: &str| -> f64 {
            let (_, rest) = opening.split_once(&format!("{side}: ")).unwrap();
            rest.split_once("px").unwrap().0.parse().unwrap()
        };
        // The end of the bar, and of what is written there as much as a narrow screen has room for.
        let (left, right) = (pixels("left"), pixels("left") + pixels("width"));
        assert!(left < edge && edge < right + 0.1, "{left} {edge} {right}");
        assert!(left < label || right - left > 250.0, "{left} {label} {right}");
        assert!(note < right && right - left <= 350.0, "{left} {note} {right}");
        assert!(page.contains("<a href=\"#fault\">no order of the commands explains that</a>"));
    }
    assert!(!words(WRONG).to_html("", None).contains("id=\"fault\""));
}

#[test]
fn only_a_reply_known_to_be_unexplained_is_marked() {
    // None; none of this number; and one without a reply.
    for unexplained in [None, Some(6), Some(5)] {
        let page = words(WRONG).to_html("", unexplained);
        let (_, body) = page.split_once("<body>").unwrap();
        for mark in ["explain", "\"fault", "bar fault", "later", "class=\"edge"] {
            assert!(!body.contains(mark), "{mark} is in {body}");
        }
    }
    let empty = Words::default().to_html("Nothing", None);
    assert!(empty.contains("0 commands of 0 clients"), "{empty}");
}

#[test]
fn what_is_never_answered_goes_on_to_the_end() {
    let history = words("1> INDEX|a|\n2> QUERY|a|\n2< OK\n3> QUERY|a|\n");
    let (scale, layout) = laid_out(&history, None);
    for number in [0, 2] {
        assert!((layout.bars[number].right - scale.end()).abs() < 0.01);
        assert!(layout.bars[number].right > scale.place(3) + 30.0);
    }
    let page = history.to_html("", None);
    for (bar, open) in bars(&page).iter().zip([true, false, true]) {
        for mark in ["class=\"endless\"", "class=\"on\"", "never answered", "→ no reply"] {
            assert_eq!(bar.contains(mark), open, "{mark} in {bar}");
        }
    }
}

#[test]
fn a_long_text_is_cut_at_its_bar_and_whole_in_the_tooltip() {
    let (command, reply) = ("INDEX|".to_owned() + &"é".repeat(100), "OK".repeat(50));
    let page = told(&command, &reply).to_html("", None);
    let bar = bars(&page)[0];
    let (tooltip, label) = bar.split_once("</title>").unwrap();
    assert!(tooltip.contains(&command) && tooltip.contains(&reply), "{tooltip}");
    let (command, reply) = ("INDEX|".to_owned() + &"é".repeat(29), "OK".repeat(9) + "O");
    assert!(label.contains(&format!(">{command}… → {reply}…</text>")), "{label}");
}

#[test]
fn nothing_covers_anything_however_many_there_are() {
    let mut rng = fastrand::Rng::with_seed(5);
    for commands in [1, 7, 60, 1_500] {
        let mut history = Words::default();
        let mut waiting = [0; 5];
        let mut time = Duration::ZERO;
        while history.operations().len() < commands {
            let client = rng.usize(..5);
            if waiting[client] > 0 && rng.bool() {
                history.reply(client, "OK".repeat(rng.usize(..9))).unwrap();
                waiting[client] -= 1;
            } else if waiting[client] < 4 {
                history.call(client, "QUERY|a|".repeat(rng.usize(..9)));
                waiting[client] += 1;
            }
            time += Duration::from_nanos(rng.u64(..9) * rng.u64(..9) * 1_000);
            history.note_time(Some(time));
        }
        let fault = history.operations().iter().rposition(|it| it.answer.is_some());
        let (_, layout) = laid_out(&history, fault);
        assert!(layout.width < 17_500.0, "{}", layout.width);
        let mut in_row: Vec<_> = layout.bars.iter().collect();
        in_row.sort_by(|one, other| {
            (one.top, one.left).partial_cmp(&(other.top, other.left)).unwrap()
        });
        for pair in in_row.windows(2) {
            let apart = pair[0].top < pair[1].top || pair[0].end() <= pair[1].left;
            assert!(apart && pair[0].end() <= layout.width, "{commands} commands");
        }
    }
}
