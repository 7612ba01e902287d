//! Progress on standard error, and only if that is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar towards `total` of something, or a count where the total is unknown. Draws nothing unless
/// standard error is a terminal.
pub(super) fn bar(what: &str, total: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
    let template = match total {
        Some(_) => format!("{what} {{wide_bar}} {{human_pos}}/{{human_len}} {{eta}}"),
        None => format!("{what} {{spinner}} {{human_pos}} {{elapsed}}"),
    };
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
