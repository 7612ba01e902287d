//! Histories as pictures: a page of HTML that needs nothing else. Each client has a lane, and each of its
//! commands a bar, from the call to the reply.

mod layout;
mod scale;
mod svg;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use super::History;
use super::text::Microseconds;
use layout::Layout;
use scale::{Scale, grouped, micros};

/// How the page and its picture look.
const STYLE: &str = include_str!("drawing/style.css");

impl<C: Display, R: Display> History<C, R> {
    /// Draws the history as a page of HTML with a picture in it. If the time of every call and reply is
    /// known, the scale is time. Otherwise each call and each reply is equally long. The axis says which.
    ///
    /// `first_unexplained` is the operation that [`Checker::first_unexplained`] found. What came before its
    /// reply is marked as explained by some order, its bar as unexplained, and what came later is pale.
    /// Nothing is marked if it is `None`, or there is no such operation, or it has no reply.
    ///
    /// The page opens at that reply, whose address is `#fault`. It fits narrow screens, and is light or dark
    /// as the browser prefers. It loads nothing and runs nothing. Text that is too long for the picture is
    /// cut off; a pointer on its bar shows all of it. The same history gives the same page. It takes about a
    /// kilobyte a command. The time is O(n²) at worst, if one client has all n commands under way at once.
    ///
    /// ```
    /// use statecheck::history::History;
    ///
    /// let history: History<String, String> = "
    ///     @3    1> write 7
    ///     @8.5  1< done
    ///     @9.25 2> read
    ///     @14   2< 0
    /// ".parse()?;
    /// let page = history.to_html("Forgotten at once", Some(1));
    /// assert!(page.contains("no order explains this reply"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// [`Checker::first_unexplained`]: super::Checker::first_unexplained
    #[must_use]
    pub fn to_html(&self, title: &str, first_unexplained: Option<usize>) -> String {
        page(&self.in_words(C::to_string, R::to_string), title, first_unexplained)
    }
}

/// A history of commands and replies in their written form.
type Words = History<String, String>;

/// The first reply that no order explains.
#[derive(Debug, Clone, Copy)]
struct Fault {
    /// The operation with that reply.
    operation: usize,
    /// The number of that reply among all calls and replies.
    event: usize,
}

impl Fault {
    /// The fault in the reply to an operation, if it has one.
    fn new(history: &Words, operation: Option<usize>) -> Option<Self> {
        let operation = operation?;
        let answer = history.operations().get(operation)?.answer.as_ref()?;
        Some(Self { operation, event: answer.at })
    }
}

fn page(history: &Words, title: &str, first_unexplained: Option<usize>) -> String {
    let fault = Fault::new(history, first_unexplained);
    // Twice to find how far labels reach beyond the end, because with less room a label may move out of its
    // bar. And once with room for them.
    let overhang = (0..2).fold(0.0, |overhang: f64, _| {
        let scale = Scale::new(history, overhang);
        overhang.max(Layout::new(history, &scale, fault).width - scale.end())
    });
    let scale = Scale::new(history, overhang);
    let layout = Layout::new(history, &scale, fault);
    let title = escaped(title);
    let summary = summary(history, &scale, fault);
    let legend = legend(history, &scale, fault);
    let picture = svg::picture(history, &scale, &layout, fault);
    let text: String = history.to_string().lines().map(|line| escaped(line) + "\n").collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{summary}{legend}{picture}\
         <details>\n<summary>The same as text</summary>\n<pre>{text}</pre>\n</details>\n\
         </body>\n</html>\n"
    )
}

/// A sentence that says what the picture shows.
fn summary(history: &Words, scale: &Scale, fault: Option<Fault>) -> String {
    let commands = counted(history.operations().len(), "command");
    let mut clients: Vec<_> = history.operations().iter().map(|it| it.client).collect();
    clients.sort_unstable();
    clients.dedup();
    let clients = counted(clients.len(), "client");
    let last = history.events().saturating_sub(1);
    let scaled = match (history.time(0), history.time(last)) {
        (Some(first), Some(last)) if scale.is_in_time() => {
            format!(
                "{} µs from the first event to the last.",
                grouped(micros(last.saturating_sub(first)), 1)
            )
        }
        _ => "Times were not noted: drawn to scale in events, not in time.".to_owned(),
    };
    let mut text = format!("<p>{commands} of {clients}. {scaled}</p>\n");
    if let Some(fault) = fault {
        let operation = &history.operations()[fault.operation];
        let reply = operation.answer.as_ref().map_or("", |answer| &answer.reply);
        text += &format!(
            "<p>Client {} was told <code class=\"fault\">{}</code> to <code>{}</code>: \
             <a href=\"#fault\">no order of the commands explains that</a>. Some order explains every \
             reply before it.</p>\n",
            operation.client,
            escaped(reply),
            escaped(&operation.command)
        );
    }
    text
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The meaning of the marks in the picture.
fn legend(history: &Words, scale: &Scale, fault: Option<Fault>) -> String {
    let open = history.operations().iter().any(|operation| operation.answer.is_none());
    let later = fault.is_some_and(|fault| fault.event + 1 < history.events());
    let marks = [
        (true, "plain", "a command, from its call to its reply"),
        (open, "open", "never answered"),
        (fault.is_some(), "explained", "explained by some order"),
        (fault.is_some(), "fault", "no order explains this reply"),
        (later, "later", "after that reply"),
        (scale.cuts().next().is_some(), "cut", "nothing under way: left out"),
    ];
    let shown: String = marks
        .into_iter()
        .filter(|(shown, ..)| *shown)
        .map(|(_, class, text)| format!("<li><i class=\"{class}\"></i>{text}</li>\n"))
        .collect();
    format!("<ul class=\"legend\">\n{shown}</ul>\n")
}

/// A text for HTML, also in an attribute. Control characters, which cannot be seen, are shown as Rust writes
/// them.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            control if control.is_control() => safe.extend(control.escape_default()),
            other => safe.push(other),
        }
    }
    safe
}

/// A count as a coordinate. No count here is so large that it loses precision.
fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
