//! Progress bars on standard error, for long work on a terminal.

use std::sync::Once;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long work lasts before its bar is shown. A bar that ends sooner cannot be read.
const PATIENCE: Duration = Duration::from_millis(500);

/// The progress of some work. It draws nothing for the first [`PATIENCE`], and never if standard error is no
/// terminal.
pub(super) struct Progress {
    bar: ProgressBar,
    since: Instant,
    shown: Once,
}

impl Progress {
    /// Counts up to a number of steps.
    pub(super) fn of_steps(what: &str, total: usize) -> Self {
        let template = format!("{what} {{wide_bar}} {{human_pos}}/{{human_len}} {{eta}}");
        Self::new(Some(total as u64), &template)
    }

    /// Counts bytes, up to a total if it is known.
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

    /// Prints to the same terminal, while the bar is hidden.
    pub(super) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
