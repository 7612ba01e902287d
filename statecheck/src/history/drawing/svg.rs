//! The picture itself: the names of the clients, which do not scroll, and the lanes beside them.

use super::layout::{BAR, Bar, Label, Layout, width};
use super::scale::{Scale, Tick, grouped};
use super::{Fault, Microseconds, Words, escaped};

/// The space above the lanes, for the mark of what is explained and the numbers of the axis.
const CAPTION: f64 = 26.0;
const HEAD: f64 = 50.0;

/// The space below the lanes, for the lengths of cuts.
const FOOT: f64 = 24.0;

/// The least distance between a number of the axis and the edge where the explained part ends.
const EDGE: f64 = 60.0;

/// How much of the bar of a fault is visible before its end.
const BEFORE: f64 = 20.0;

/// The space on the right, after everything.
const MARGIN: f64 = 12.0;

/// A fade, for commands that are never answered and so have no end.
const FADES: &str = "<defs>\
    <linearGradient id=\"fade\"><stop offset=\".3\"/><stop offset=\"1\" class=\"end\"/></linearGradient>\
    <linearGradient id=\"fading-line\"><stop offset=\".3\"/><stop offset=\"1\" class=\"end\"/>\
    </linearGradient></defs>\n";

pub(super) fn picture(
    history: &Words,
    scale: &Scale,
    layout: &Layout,
    fault: Option<Fault>,
) -> String {
    let height = HEAD + layout.height + FOOT;
    let edge = fault.map(|fault| Tick {
        place: scale.place(fault.event),
        label: scale.value(history, fault.event),
    });
    let names = names(scale, layout, height);
    let lanes = [
        background(layout, scale, fault),
        axis(scale, layout, edge.as_ref()),
        (0..layout.bars.len()).map(|number| bar(history, scale, layout, fault, number)).collect(),
        edge.as_ref().map_or_else(String::new, |edge| end_of_explained(edge, layout)),
    ];
    let opening = fault.map_or_else(String::new, |fault| opening(&layout.bars[fault.operation]));
    format!(
        "<div class=\"picture\">\n{names}<div class=\"lanes\">{opening}<svg width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\" aria-label=\"The commands of each client in time\">\n\
         {FADES}{lanes}</svg></div>\n</div>\n",
        width = layout.width + MARGIN,
        lanes = lanes.concat(),
    )
}

/// How wide the place is at most where the page opens: a narrow screen shows all of it.
const OPENING: f64 = 350.0;

/// The place where the page opens: the end of the bar of the fault, with its labels as far as a narrow
/// screen has room for them. A browser first shows what has the focus, and what a link leads to.
fn opening(bar: &Bar) -> String {
    // What is written in a long bar may begin far from its end.
    let left = (bar.label.left.min(bar.right) - BEFORE).max(bar.right + BEFORE - OPENING).max(0.0);
    format!(
        "<div id=\"fault\" tabindex=\"-1\" autofocus style=\"left: {:.1}px; top: {:.1}px; \
         width: {:.1}px; height: {BAR}px\"></div>",
        left,
        HEAD + bar.top,
        (bar.end() - left).min(OPENING)
    )
}

/// The names of the clients at their lanes, and of the unit of the axis.
fn names(scale: &Scale, layout: &Layout, height: f64) -> String {
    let name = |client: usize| format!("client {client}");
    let widest = layout.lanes.iter().map(|lane| width(&name(lane.client))).fold(90.0, f64::max);
    let right = widest + 12.0;
    let counts =
        if scale.is_in_time() { "<tspan class=\"word\">time, </tspan>µs" } else { "events" };
    // A narrow screen hides the words, and what is to the left of the numbers.
    let mut svg = format!(
        "<svg class=\"names\" width=\"{0:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {0:.0} {height:.0}\" \
         preserveAspectRatio=\"xMaxYMin slice\">\n\
         <text class=\"counts\" x=\"{right:.1}\" y=\"{1:.1}\">{counts}</text>\n",
        right + 10.0,
        HEAD - 9.0
    );
    for lane in &layout.lanes {
        let middle = HEAD + lane.top + lane.height / 2.0 + 4.0;
        svg += &format!(
            "<text class=\"client\" x=\"{right:.1}\" y=\"{middle:.1}\">\
             <tspan class=\"word\">client </tspan>{}</text>\n",
            lane.client
        );
        svg += &line(0.0, right + 10.0, HEAD + lane.top);
    }
    svg + &line(0.0, right + 10.0, HEAD + layout.height) + "</svg>"
}

/// A line between two lanes.
fn line(left: f64, right: f64, y: f64) -> String {
    format!(
        "<line class=\"between\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n"
    )
}

/// The background: the explained part, and the lanes.
fn background(layout: &Layout, scale: &Scale, fault: Option<Fault>) -> String {
    let mut svg = String::new();
    if let Some(fault) = fault {
        let right = scale.place(fault.event);
        svg += &format!(
            "<rect class=\"explained\" x=\"0\" y=\"0\" width=\"{right:.1}\" height=\"{:.1}\"/>\n",
            HEAD + layout.height
        );
        let said = "explained by some order";
        if right > width(said) + 16.0 {
            svg += &format!(
                "<text class=\"explained\" x=\"{:.1}\" y=\"{:.1}\">{said}</text>\n",
                right - 8.0,
                CAPTION - 9.0
            );
        }
    }
    for top in layout.lanes.iter().map(|lane| lane.top).chain([layout.height]) {
        svg += &line(0.0, layout.width + MARGIN, HEAD + top);
    }
    svg
}

/// The ticks, without those too close to the edge, and the cuts.
fn axis(scale: &Scale, layout: &Layout, edge: Option<&Tick>) -> String {
    let mut svg = String::new();
    let bottom = HEAD + layout.height;
    for cut in scale.cuts() {
        let length = grouped(cut.length, usize::from(cut.length < 100.0));
        svg += &format!(
            "<g class=\"cut\"><title>{length} µs in which nothing is under way are left out</title>\
             <rect x=\"{0:.1}\" y=\"0\" width=\"{2:.1}\" height=\"{bottom:.1}\"/>\
             <path d=\"M{0:.1} 0V{bottom:.1}M{1:.1} 0V{bottom:.1}\"/>\
             <text x=\"{3:.1}\" y=\"{4:.1}\">{length} µs</text></g>\n",
            cut.left,
            cut.right,
            cut.right - cut.left,
            f64::midpoint(cut.left, cut.right),
            bottom + 16.0
        );
    }
    let free = |tick: &Tick| edge.is_none_or(|edge| (tick.place - edge.place).abs() > EDGE);
    for tick in scale.ticks().into_iter().filter(free) {
        svg += &format!(
            "<path class=\"tick\" d=\"M{0:.1} {1:.1}V{bottom:.1}\"/>\
             <text class=\"tick\" x=\"{0:.1}\" y=\"{2:.1}\">{3}</text>\n",
            tick.place,
            HEAD - 5.0,
            HEAD - 9.0,
            tick.label
        );
    }
    svg
}

/// A line where the explained part ends, with room for its time.
fn end_of_explained(edge: &Tick, layout: &Layout) -> String {
    format!(
        "<path class=\"edge\" d=\"M{0:.1} 0V{CAPTION}M{0:.1} {1:.1}V{2:.1}\"/>\
         <text class=\"tick edge\" x=\"{0:.1}\" y=\"{3:.1}\">{4}</text>\n",
        edge.place,
        HEAD - 5.0,
        HEAD + layout.height,
        HEAD - 9.0,
        edge.label
    )
}

/// The bar of one operation.
fn bar(
    history: &Words,
    scale: &Scale,
    layout: &Layout,
    fault: Option<Fault>,
    number: usize,
) -> String {
    let operation = &history.operations()[number];
    let bar = &layout.bars[number];
    let top = HEAD + bar.top;
    let edge = fault.map_or(usize::MAX, |fault| fault.event);
    let is_fault = fault.is_some_and(|fault| fault.operation == number);
    let class = match &operation.answer {
        _ if is_fault => "fault",
        _ if operation.called > edge => "later",
        None => "open",
        Some(_) => "plain",
    };
    let part = |class: &str, left: f64, right: f64| {
        format!(
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" \
             height=\"{BAR}\" rx=\"3\"/>",
            right - left
        )
    };
    let mut svg = format!("<g class=\"bar {class}\"><title>{}</title>", tooltip(history, number));
    // After the edge the bar is paler.
    let goes_on = operation.answer.as_ref().is_none_or(|answer| answer.at > edge);
    if goes_on && fault.is_some() && operation.called < edge {
        svg += &part("pale", bar.left, bar.right);
        svg += &part("full", bar.left, scale.place(edge).max(bar.left));
    } else {
        svg +=
            &part(if operation.answer.is_none() { "endless" } else { "full" }, bar.left, bar.right);
    }
    if operation.answer.is_none() {
        let middle = top + BAR / 2.0;
        svg += &format!(
            "<path class=\"on\" d=\"M{:.1} {:.1}l5 5l-5 5\"/>",
            bar.right - 10.0,
            middle - 5.0
        );
    }
    for (class, label) in [("label", Some(&bar.label)), ("note", bar.note.as_ref())] {
        svg += &label.map_or_else(String::new, |label| text(class, label, top));
    }
    svg + "</g>\n"
}

fn text(class: &str, label: &Label, top: f64) -> String {
    let place = if label.inside { "inside" } else { "behind" };
    format!(
        "<text class=\"{class} {place}\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        label.left,
        top + BAR / 2.0 + 4.0,
        escaped(&label.text)
    )
}

/// All that is known of an operation.
fn tooltip(history: &Words, number: usize) -> String {
    let operation = &history.operations()[number];
    let when = |event: usize| match history.time(event) {
        Some(time) => format!("at {} µs", Microseconds(time)),
        None => format!("as event {event}"),
    };
    let (client, command) = (operation.client, escaped(&operation.command));
    let asked = format!("client {client}: {command}\ncalled {}", when(operation.called));
    match &operation.answer {
        Some(answer) => {
            format!("{asked}\nanswered {}: {}", when(answer.at), escaped(&answer.reply))
        }
        None => format!("{asked}\nnever answered"),
    }
}
