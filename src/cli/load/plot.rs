//! The latencies as a picture: within which time what share of the messages was answered.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use plotters::prelude::*;

use super::report::Report;
use super::{Failure, LoadFailure};

const SIZE: (u32, u32) = (900, 540);

/// An SVG file for the curve.
pub(super) struct Picture<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Picture<'a> {
    pub(super) fn create(path: &'a Path) -> Result<Self, Failure> {
        let file =
            File::create(path).map_err(|error| Failure::Write { path: path.to_owned(), error })?;
        Ok(Self { path, file })
    }

    /// Draws the curve. Both axes are logarithmic: each step to the right leaves a tenth of the messages that
    /// were left.
    pub(super) fn draw(mut self, report: &Report) -> Result<(), Failure> {
        let path = self.path.to_owned();
        let svg = match picture(report) {
            Ok(svg) => svg,
            Err(problem) => {
                return Err(LoadFailure::Draw { path, problem: problem.to_string() }.into());
            }
        };
        self.file.write_all(svg.as_bytes()).map_err(|error| Failure::Write { path, error })
    }
}

fn picture(report: &Report) -> Result<String, Box<dyn std::error::Error>> {
    let points = curve(report);
    let right = points.last().map_or(10.0, |(left, _)| left * 1.5).max(10.0);
    let (lowest, highest) = points.iter().fold((f64::MAX, 1.0_f64), |(low, high), (_, micros)| {
        (low.min(*micros), high.max(*micros))
    });
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(report.title(), ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(45)
            .y_label_area_size(80)
            .build_cartesian_2d(
                (1.0..right).log_scale(),
                (lowest.min(highest / 10.0)..highest * 1.2).log_scale(),
            )?;
        chart
            .configure_mesh()
            .x_desc("percent of the messages answered within")
            .x_label_formatter(&|left| percent(*left))
            .y_desc("latency, µs")
            .y_label_formatter(&|micros| format!("{micros:.0}"))
            .light_line_style(WHITE.mix(0.0))
            .draw()?;
        chart.draw_series(LineSeries::new(points, BLUE.stroke_width(2)))?;
        area.present()?;
    }
    Ok(svg)
}

/// For each latency that occurred: one message in how many took longer, and the latency.
#[allow(clippy::cast_precision_loss, reason = "a pixel does not show the difference")]
fn curve(report: &Report) -> Vec<(f64, f64)> {
    let latencies = &report.measured.latencies;
    let last = latencies.len() as f64;
    latencies
        .iter_recorded()
        .map(|step| {
            let longer = 1.0 - step.quantile_iterated_to();
            // The share after the last message is 0, which a logarithmic axis cannot show.
            let left = (1.0 / longer.max(1.0 / last.max(1.0))).max(1.0);
            (left, (step.value_iterated_to() as f64).max(1.0))
        })
        .collect()
}

/// The percentage done when one in this many is left, with as few digits as possible.
fn percent(left: f64) -> String {
    let text = format!("{:.6}", 100.0 - 100.0 / left);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_have_the_digits_that_they_need() {
        let texts = [1.0, 2.0, 10.0, 100.0, 1_000.0, 1_000_000.0].map(percent);
        assert_eq!(texts, ["0", "50", "90", "99", "99.9", "99.9999"]);
    }
}
