//! The place of a call or a reply on the horizontal axis: by its time if all times are known, otherwise by
//! its number.

use std::time::Duration;

use super::{Words, real};

/// The width of the picture, for each command and in all. It has room for the labels of a few commands, which
/// fill a window. With many it stays narrow enough for a browser to draw.
const WIDTH_OF_ONE: f64 = 80.0;
const WIDTHS: (f64, f64) = (960.0, 16_000.0);

/// The most room that labels after the last event take from the picture.
const MOST_OVERHANG: f64 = 400.0;

/// The space before the first event.
const LEAD: f64 = 10.0;

/// The space after the last event. Commands that were never answered go on there.
const TAIL: f64 = 56.0;

/// The width of a cut, which replaces a time in which nothing is under way.
const CUT: f64 = 30.0;

/// The least distance between ticks with labels.
const BETWEEN_TICKS: f64 = 90.0;

/// The horizontal axis. Lengths are in pixels, from its left end.
pub(super) struct Scale {
    in_time: bool,
    /// The place of each event.
    places: Vec<f64>,
    stretches: Vec<Stretch>,
    /// The length of a microsecond, or of one event.
    unit: f64,
    end: f64,
}

/// A time that is drawn to scale, in microseconds. Between two of them something is left out.
struct Stretch {
    from: f64,
    to: f64,
    /// Where it begins.
    place: f64,
}

/// A time that is left out, because nothing is under way.
pub(super) struct Cut {
    pub(super) left: f64,
    pub(super) right: f64,
    /// Its length in microseconds.
    pub(super) length: f64,
}

/// A place with a number.
pub(super) struct Tick {
    pub(super) place: f64,
    pub(super) label: String,
}

impl Scale {
    /// A scale that leaves so much room for labels after its end, unless it is wide anyway.
    pub(super) fn new(history: &Words, overhang: f64) -> Self {
        let times: Option<Vec<f64>> =
            (0..history.events()).map(|event| history.time(event).map(micros)).collect();
        let in_time = times.is_some();
        let times = times.unwrap_or_else(|| (0..history.events()).map(real).collect());
        let idle = idle(history);
        let length = |event: usize| times[event + 1] - times[event];
        let all = times.last().zip(times.first()).map_or(0.0, |(last, first)| last - first);
        let busy = all - idle.iter().map(|event| length(*event)).sum::<f64>();
        // Cut only if they would take more room than much of what there is to see.
        let cuts: Vec<usize> = idle
            .into_iter()
            .filter(|event| in_time && length(*event) > busy / 2.0 && length(*event) > 0.0)
            .collect();
        let drawn = all - cuts.iter().map(|event| length(*event)).sum::<f64>();
        let width = WIDTH_OF_ONE * real(history.operations().len());
        let least = WIDTHS.0 - overhang.min(MOST_OVERHANG);
        let unit = width.clamp(least, WIDTHS.1) / drawn.max(0.001);
        let mut scale =
            Self { in_time, places: Vec::new(), stretches: Vec::new(), unit, end: LEAD };
        let mut from = 0;
        for to in cuts.into_iter().chain(times.len().checked_sub(1)) {
            scale.add_stretch(&times[from..=to]);
            from = to + 1;
        }
        scale.end += TAIL;
        scale
    }

    fn add_stretch(&mut self, times: &[f64]) {
        let place = if self.stretches.is_empty() { LEAD } else { self.end + CUT };
        let (from, to) = (times[0], times[times.len() - 1]);
        self.places.extend(times.iter().map(|time| place + (time - from) * self.unit));
        self.stretches.push(Stretch { from, to, place });
        self.end = place + (to - from) * self.unit;
    }

    /// Whether the scale is time, and not events.
    pub(super) fn is_in_time(&self) -> bool {
        self.in_time
    }

    /// The place of a call or a reply.
    pub(super) fn place(&self, event: usize) -> f64 {
        self.places[event]
    }

    /// The value of the axis at a call or a reply: microseconds, or events.
    pub(super) fn value(&self, history: &Words, event: usize) -> String {
        match history.time(event) {
            Some(time) if self.in_time => grouped(micros(time), 1),
            _ => grouped(real(event), 0),
        }
    }

    /// The end of the axis, some way after the last event.
    pub(super) fn end(&self) -> f64 {
        self.end
    }

    pub(super) fn cuts(&self) -> impl Iterator<Item = Cut> {
        self.stretches.windows(2).map(|pair| Cut {
            left: pair[1].place - CUT,
            right: pair[1].place,
            length: pair[1].from - pair[0].to,
        })
    }

    /// Round numbers, as close together as one can read. A stretch without any gets a tick at its beginning.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let (step, decimals) = self.step();
        let mut ticks: Vec<Tick> = Vec::new();
        for Stretch { from, to, place } in &self.stretches {
            let mut values = Vec::new();
            let mut number = (from / step).ceil();
            while number * step <= *to {
                values.push((number * step, decimals));
                number += 1.0;
            }
            if values.is_empty() {
                values.push((*from, decimals.max(1)));
            }
            for (value, decimals) in values {
                let place = place + (value - from) * self.unit;
                if ticks.last().is_none_or(|last| place - last.place > BETWEEN_TICKS * 0.8) {
                    ticks.push(Tick { place, label: grouped(value, decimals) });
                }
            }
        }
        ticks
    }

    /// The step between ticks, and the number of their decimals.
    fn step(&self) -> (f64, usize) {
        let finest = if self.in_time { -3 } else { 0 };
        let steps = (finest..12).flat_map(|power: i32| {
            let decimals = usize::try_from(-power).unwrap_or(0);
            [1.0, 2.0, 5.0].map(|digit| (digit * 10f64.powi(power), decimals))
        });
        let wide = |(step, _): &(f64, usize)| step * self.unit >= BETWEEN_TICKS;
        steps.into_iter().find(wide).unwrap_or((1e12, 0))
    }
}

/// The events after which nothing is under way until the next one.
fn idle(history: &Words) -> Vec<usize> {
    let mut open = 0;
    let mut replies = vec![false; history.events()];
    for answer in history.operations().iter().filter_map(|operation| operation.answer.as_ref()) {
        replies[answer.at] = true;
    }
    let mut idle = Vec::new();
    for (event, reply) in replies.iter().enumerate() {
        if *reply {
            open -= 1;
        } else {
            open += 1;
        }
        if open == 0 && event + 1 < history.events() {
            idle.push(event);
        }
    }
    idle
}

pub(super) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// A number with its thousands separated.
pub(super) fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}
