//! The two formats of a page of metrics, and which of them a request asks for.
//!
//! Everything reads Prometheus's own text format. OpenMetrics
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>) came from it, and has a mark at its end, so
//! that half a page is not taken for a whole one. The crate that counts writes only the first.

use std::fmt::Write as _;

use prometheus::TextEncoder;
use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::MetricsError;

/// The format of a page of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    OpenMetrics,
}

impl Format {
    /// The media type, without its character set.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0",
        }
    }

    /// The format that these `Accept` fields prefer. Text if they prefer neither, or if there are none.
    pub(super) fn accepted<'a>(accept: impl Iterator<Item = &'a [u8]>) -> Self {
        let (mut text, mut open) = (0.0_f32, 0.0_f32);
        let mut is_asked = false;
        for range in accept.flat_map(|value| value.split(|byte| *byte == b',')) {
            let Some(range) = Range::read(range) else { continue };
            is_asked = true;
            match range.kind.as_str() {
                "application/openmetrics-text" if range.is_of_a_version_that_is_written() => {
                    open = open.max(range.weight);
                }
                "text/plain" | "text/*" | "*/*" => text = text.max(range.weight),
                _ => {}
            }
        }
        // A client that names OpenMetrics wants it. Others accept anything, and get text.
        if is_asked && open > 0.0 && open >= text { Self::OpenMetrics } else { Self::Text }
    }

    /// Writes all metrics.
    pub(super) fn write(self, families: &[MetricFamily]) -> Result<String, MetricsError> {
        match self {
            Self::Text => Ok(TextEncoder::new().encode_to_string(families)?),
            Self::OpenMetrics => Ok(open_metrics(families)),
        }
    }
}

/// A range of media types that a request accepts (RFC 9110, section 12.5.1).
struct Range {
    /// In lower case.
    kind: String,
    version: Option<String>,
    weight: f32,
}

impl Range {
    fn read(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?.to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| !kind.is_empty())?.to_owned();
        let mut range = Self { kind, version: None, weight: 1.0 };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            match name.trim() {
                "q" => range.weight = value.trim().parse().unwrap_or(0.0),
                "version" => range.version = Some(value.trim().trim_matches('"').to_owned()),
                _ => {}
            }
        }
        Some(range)
    }

    fn is_of_a_version_that_is_written(&self) -> bool {
        self.version.as_ref().is_none_or(|version| version == "1.0.0")
    }
}

/// Writes metrics as OpenMetrics 1.0.
fn open_metrics(families: &[MetricFamily]) -> String {
    let mut page = String::new();
    for family in families {
        let kind = family.get_field_type();
        // The samples of a counter have a suffix that its name does not have.
        let name = match kind {
            MetricType::COUNTER => family.name().strip_suffix("_total").unwrap_or(family.name()),
            _ => family.name(),
        };
        let type_name = match kind {
            MetricType::COUNTER => "counter",
            MetricType::HISTOGRAM => "histogram",
            MetricType::GAUGE => "gauge",
            MetricType::SUMMARY | MetricType::UNTYPED => "unknown",
        };
        let help = escaped(family.help());
        // Writing to memory does not fail.
        let _written = write!(page, "# TYPE {name} {type_name}\n# HELP {name} {help}\n");
        for metric in family.get_metric() {
            match kind {
                MetricType::COUNTER => {
                    sample(
                        &mut page,
                        &format!("{name}_total"),
                        metric,
                        None,
                        metric.get_counter().get_value(),
                    );
                }
                MetricType::HISTOGRAM => histogram(&mut page, name, metric),
                _ => sample(&mut page, name, metric, None, metric.get_gauge().get_value()),
            }
        }
    }
    page + "# EOF\n"
}

fn histogram(page: &mut String, name: &str, metric: &Metric) {
    let histogram = metric.get_histogram();
    let count = histogram.get_sample_count();
    let buckets = histogram.get_bucket().iter();
    let buckets = buckets.map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
    for (bound, count) in buckets.chain([(f64::INFINITY, count)]) {
        sample(page, &format!("{name}_bucket"), metric, Some(bound), whole(count));
    }
    sample(page, &format!("{name}_count"), metric, None, whole(count));
    sample(page, &format!("{name}_sum"), metric, None, histogram.get_sample_sum());
}

/// A count as the number that is written: exact up to 2^53, as in the programs that read it.
#[allow(clippy::cast_precision_loss, reason = "readers of the page have it as a double too")]
fn whole(count: u64) -> f64 {
    count as f64
}

fn sample(page: &mut String, name: &str, metric: &Metric, bound: Option<f64>, value: f64) {
    let labels = metric.get_label().iter();
    let mut labels: Vec<_> =
        labels.map(|label| format!("{}=\"{}\"", label.name(), escaped(label.value()))).collect();
    labels.extend(bound.map(|bound| match bound {
        f64::INFINITY => "le=\"+Inf\"".to_owned(),
        bound => format!("le=\"{}\"", canonical(bound)),
    }));
    let labels =
        if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    let _written = writeln!(page, "{name}{labels} {value}");
}

/// A bound in the only form that the standard allows: with a point or a two-digit exponent. Bounds are
/// labels, so `1` and `1.0` would be two.
fn canonical(bound: f64) -> String {
    if bound != 0.0 && bound < 1e-4 {
        let text = format!("{bound:e}");
        return match text.split_once("e-") {
            Some((digits, exponent)) => format!("{digits}e-{exponent:0>2}"),
            None => text,
        };
    }
    let text = bound.to_string();
    if text.contains('.') { text } else { text + ".0" }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};

    use super::*;

    fn accepted(fields: &[&str]) -> Format {
        Format::accepted(fields.iter().map(|field| field.as_bytes()))
    }

    #[test]
    fn a_page_is_what_the_request_likes_most() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        for fields in [
            [prometheus].as_slice(),
            &["application/openmetrics-text"],
            &["Application/OpenMetrics-Text ; Version=\"1.0.0\""],
            &["text/plain;q=0.4", "application/openmetrics-text;q=0.5"],
            &["*/*, application/openmetrics-text"],
        ] {
            assert_eq!(accepted(fields), Format::OpenMetrics, "{fields:?}");
        }
        for fields in [
            [].as_slice(),
            &[""],
            &["*/*"],
            &["text/html,application/xhtml+xml,*/*;q=0.8"],
            &["application/openmetrics-text;q=0"],
            &["application/openmetrics-text;q=x"],
            &["application/openmetrics-text;version=2.0.0"],
            &["application/openmetrics-text;q=0.3,text/plain"],
            &["application/json"],
            &["\u{e9}"],
        ] {
            assert_eq!(accepted(fields), Format::Text, "{fields:?}");
        }
    }

    #[test]
    fn open_metrics_has_each_kind_as_the_standard_writes_it() {
        let registry = Registry::new();
        let counter = IntCounterVec::new(Opts::new("c_total", "Of \"a\" \\ b."), &["x"]).unwrap();
        counter.with_label_values(&["a\"\n"]).inc_by(7);
        let gauge = IntGauge::new("g", "A gauge.").unwrap();
        gauge.set(-3);
        let buckets = HistogramOpts::new("h", "A histogram.").buckets(vec![1e-6, 0.5, 1.0]);
        let histogram = HistogramVec::new(buckets, &["y"]).unwrap();
        histogram.with_label_values(&["z"]).observe(0.75);
        registry.register(Box::new(counter)).unwrap();
        registry.register(Box::new(gauge)).unwrap();
        registry.register(Box::new(histogram)).unwrap();
        let expected = r#"# TYPE c counter
# HELP c Of \"a\" \\ b.
c_total{x="a\"\n"} 7
# TYPE g gauge
# HELP g A gauge.
g -3
# TYPE h histogram
# HELP h A histogram.
h_bucket{y="z",le="1e-06"} 0
h_bucket{y="z",le="0.5"} 0
h_bucket{y="z",le="1.0"} 1
h_bucket{y="z",le="+Inf"} 1
h_count{y="z"} 1
h_sum{y="z"} 0.75
# EOF
"#;
        assert_eq!(Format::OpenMetrics.write(&registry.gather()).unwrap(), expected);
    }
}
