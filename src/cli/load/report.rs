//! The results of a load, as a table or as JSON.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::measured::Measured;
use super::{Arguments, Format};

/// The percentiles to print.
const PERCENTILES: [f64; 6] = [50.0, 90.0, 99.0, 99.9, 99.99, 100.0];

pub(super) struct Report {
    connections: u32,
    pipeline: u32,
    rate: Option<u32>,
    /// The settings of the load.
    traffic: Value,
    pub(super) measured: Measured,
}

impl Report {
    pub(super) fn new(arguments: &Arguments, measured: Measured) -> Self {
        let Arguments { connections, pipeline, rate, .. } = *arguments;
        let traffic = match &arguments.from {
            Some(path) => json!({ "from": path.display().to_string() }),
            None => json!({
                "mix": arguments.mix.to_string(),
                "names": arguments.names,
                "dependencies": arguments.dependencies,
                "zipf": arguments.zipf,
                "seed": arguments.seed,
            }),
        };
        Self { connections, pipeline, rate, traffic, measured }
    }

    /// How many replies were ERROR.
    pub(super) fn errors(&self) -> u64 {
        self.measured.error
    }

    fn messages(&self) -> u64 {
        self.measured.ok + self.measured.fail + self.measured.error
    }

    /// How long messages were sent, in seconds.
    pub(super) fn time(&self) -> f64 {
        self.measured.time.as_secs_f64()
    }

    fn seconds(&self) -> f64 {
        self.measured.elapsed.as_secs_f64()
    }

    #[allow(clippy::cast_precision_loss, reason = "a rate need not be exact beyond 2^53 messages")]
    fn per_second(&self) -> f64 {
        self.measured.in_time as f64 / self.time()
    }

    /// How many cores the load itself kept busy, if the system reports it.
    fn cores(&self) -> Option<f64> {
        self.measured.processor.map(|time| time.as_secs_f64() / self.seconds())
    }

    /// The settings in a line.
    pub(super) fn title(&self) -> String {
        let Self { connections, pipeline, rate, .. } = self;
        let pace = rate.map_or_else(String::new, |rate| format!(", {rate} messages/s"));
        format!("{connections} connections × {pipeline} messages in flight{pace}")
    }

    pub(super) fn print(&self, format: Format) -> io::Result<()> {
        let mut output = io::stdout().lock();
        match format {
            Format::Text => self.text(&mut output),
            Format::Json => self.json(&mut output),
        }
    }

    fn text(&self, output: &mut impl Write) -> io::Result<()> {
        let Measured { ok, fail, error, unsent, latencies, .. } = &self.measured;
        writeln!(output, "{}, {:.1} s", self.title(), self.seconds())?;
        writeln!(
            output,
            "{} messages answered, {:.0} a second",
            self.messages(),
            self.per_second()
        )?;
        writeln!(output, "OK {ok}, FAIL {fail}, ERROR {error}")?;
        if let Some(cores) = self.cores() {
            let all = std::thread::available_parallelism().map_or(1, usize::from);
            writeln!(output, "the load itself kept {cores:.2} of {all} cores busy")?;
        }
        if *unsent > 0 {
            writeln!(output, "{unsent} more messages were due but could not be sent in time")?;
        }
        let from = if self.rate.is_some() { ", from when each was due" } else { "" };
        writeln!(output, "\nlatency{from}\n{:>9} {:>11}", "percent", "µs")?;
        for percent in PERCENTILES {
            writeln!(output, "{percent:>9} {:>11}", latencies.value_at_percentile(percent))?;
        }
        Ok(())
    }

    /// One object. The names of its fields and their units do not change.
    fn json(&self, output: &mut impl Write) -> io::Result<()> {
        let Measured { ok, fail, error, unsent, latencies, .. } = &self.measured;
        let latencies: serde_json::Map<_, _> = PERCENTILES
            .iter()
            .map(|percent| (percent.to_string(), latencies.value_at_percentile(*percent).into()))
            .collect();
        let object = json!({
            "connections": self.connections,
            "pipeline": self.pipeline,
            "rate": self.rate,
            "time": self.time(),
            "interrupted": self.measured.is_interrupted,
            "traffic": self.traffic,
            "seconds": self.seconds(),
            "messages": self.messages(),
            "per_second": self.per_second(),
            "ok": ok,
            "fail": fail,
            "error": error,
            "unsent": unsent,
            "own_cores": self.cores(),
            "latency_us": latencies,
        });
        writeln!(output, "{object}")
    }
}
