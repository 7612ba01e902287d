//! Progress on standard error: of long work only, and only if that is a terminal.

use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What takes less time than this is over before anybody could read a bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// How far some work has come. Draws nothing before the work has taken a while, and never unless
/// standard error is a terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    since: Instant,
    shown: Once,
}

impl Progress {
    /// Towards a number of steps.
    pub(super) fn of_steps(what: &str, total: usize) -> Self {
        let template = format!("{what} {{wide_bar}} {{human_pos}}/{{human_len}} {{eta}}");
        Self::new(Some(total as u64), &template)
    }

    /// Towards a number of bytes, or up from none where the total is unknown.
    pub(super) fn of_bytes(what: &str, total: Option<u64>) -> Self {
        let template = match total {
            Some(_) => format!("{what} {{wide_bar}} {{bytes}}/{{total_bytes}} {{eta}}"),
            None => format!("{what} {{spinner}} {{bytes}} {{elapsed}}"),
        };
        Self::new(total, &template)
    }

    fn new(total: Option<u64>, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, since: Instant::now(), shown: Once::new() }
    }

    pub(super) fn advance(&self, by: usize) {
        self.bar.inc(by as u64);
        if self.since.elapsed() >= PATIENCE {
            self.shown.call_once(|| {
                self.bar.set_draw_target(ProgressDrawTarget::stderr());
                self.bar.enable_steady_tick(Duration::from_millis(200));
            });
        }
    }

    /// Prints something to the same terminal: the bar steps aside for it.
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
