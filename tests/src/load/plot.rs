//! A picture of a run over time: requests and users above, latencies below.

use super::figures::Figures;
use super::profiles::Plan;
use super::record::{Record, Sample, Step};
use std::fmt::{Arguments, Write};
use std::time::Duration;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 840.0;
/// Most points of a line.
const POINTS: u32 = 120;
/// The scale of latencies, in milliseconds.
const LATENCIES: [f64; 2] = [0.1, 10_000.0];
const GREY: &str = "#9aa0a6";
/// Colours that differ in lightness too (after Okabe & Ito 2008).
const COLOURS: [&str; 4] = ["#56b4e9", "#0072b2", "#d55e00", "#009e73"];

/// The place of a panel, from top to bottom.
struct Panel {
    top: f64,
    bottom: f64,
}

const RATES: Panel = Panel { top: 40.0, bottom: 230.0 };
const TIMES: Panel = Panel { top: 280.0, bottom: 480.0 };

impl Panel {
    /// Where a share of its height is.
    fn at(&self, share: f64) -> f64 {
        self.bottom - share.clamp(0.0, 1.0) * (self.bottom - self.top)
    }
}

/// A time of the run.
struct Slot {
    /// Its middle.
    at: Duration,
    requests: Option<Figures>,
    deliveries: Option<Figures>,
}

/// Draws a run as SVG.
pub(super) fn plot(plan: &Plan, record: &Record) -> String {
    let slots = slots(record);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"none\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    draw_rates(&mut svg, plan, record, &slots);
    draw_times(&mut svg, plan, record, &slots);
    let end = humantime::format_duration(record.length);
    text(&mut svg, (LEFT, HEIGHT - 22.0), "middle", GREY, format_args!("0"));
    text(&mut svg, (RIGHT, HEIGHT - 22.0), "middle", GREY, format_args!("{end}"));
    svg.push_str("</svg>\n");
    svg
}

fn slots(record: &Record) -> Vec<Slot> {
    let width = (record.length / POINTS).max(Duration::from_secs(1));
    let count = record.length.as_nanos().div_ceil(width.as_nanos()).max(1);
    let mut taken: Vec<Vec<_>> = vec![Vec::new(); count as usize];
    for sample in &record.samples {
        // What ended after the stages belongs to the last of them.
        let n = (sample.at.as_nanos() / width.as_nanos()).min(count - 1);
        taken[n as usize].push(sample);
    }
    let slot = |(n, taken): (u32, &Vec<&Sample>)| {
        let of = |is_delivery: bool| {
            let wanted = taken.iter().copied().filter(|sample| (sample.step == Step::Delivery) == is_delivery);
            Figures::of(wanted, width)
        };
        Slot { at: width * n + width / 2, requests: of(false), deliveries: of(true) }
    };
    (0..).zip(&taken).map(slot).collect()
}

fn x(record: &Record, time: Duration) -> f64 {
    LEFT + time.as_secs_f64() / record.length.as_secs_f64() * (RIGHT - LEFT)
}

fn draw_rates(svg: &mut String, plan: &Plan, record: &Record, slots: &[Slot]) {
    let rate = |slot: &Slot| slot.requests.map_or(0.0, |figures| figures.per_second);
    let most_rate = rounded_up(slots.iter().map(rate).fold(1.0, f64::max));
    let most_users = rounded_up(plan.form.most_users() as f64);
    for share in [0.0, 0.5, 1.0] {
        let y = RATES.at(share);
        rule(svg, y, "0");
        text(svg, (LEFT - 6.0, y + 4.0), "end", COLOURS[1], format_args!("{}", most_rate * share));
        text(svg, (RIGHT + 6.0, y + 4.0), "start", GREY, format_args!("{}", most_users * share));
    }
    let users =
        slots.iter().map(|slot| (x(record, slot.at), RATES.at(plan.form.users_at(slot.at) as f64 / most_users)));
    polyline(svg, users, GREY);
    polyline(svg, slots.iter().map(|slot| (x(record, slot.at), RATES.at(rate(slot) / most_rate))), COLOURS[1]);
    text(svg, (LEFT, RATES.top - 14.0), "start", COLOURS[1], format_args!("requests per second"));
    text(svg, (RIGHT, RATES.top - 14.0), "end", GREY, format_args!("users"));
}

fn draw_times(svg: &mut String, plan: &Plan, record: &Record, slots: &[Slot]) {
    let [least, most] = LATENCIES.map(f64::log10);
    let y = |ms: f64| TIMES.at((ms.max(LATENCIES[0]).log10() - least) / (most - least));
    for ms in [0.1, 1.0, 10.0, 100.0, 1_000.0, 10_000.0] {
        rule(svg, y(ms), "0");
        text(svg, (LEFT - 6.0, y(ms) + 4.0), "end", GREY, format_args!("{ms}"));
    }
    for ms in [plan.thresholds.p95_ms, plan.thresholds.p99_ms] {
        rule(svg, y(ms), "4 4");
        text(svg, (RIGHT + 6.0, y(ms) + 4.0), "start", GREY, format_args!("&lt; {ms}"));
    }
    type Pick = fn(&Slot) -> Option<f64>;
    let lines: [(&str, Pick); 4] = [
        ("p50", |slot| slot.requests.map(|figures| figures.p50_ms)),
        ("p95", |slot| slot.requests.map(|figures| figures.p95_ms)),
        ("p99 of requests", |slot| slot.requests.map(|figures| figures.p99_ms)),
        ("p95 of deliveries", |slot| slot.deliveries.map(|figures| figures.p95_ms)),
    ];
    let mut left = LEFT + 110.0;
    text(svg, (LEFT, TIMES.top - 14.0), "start", GREY, format_args!("milliseconds:"));
    for ((name, pick), colour) in lines.into_iter().zip(COLOURS) {
        let points: Vec<_> = slots.iter().filter_map(|slot| Some((x(record, slot.at), y(pick(slot)?)))).collect();
        if !points.is_empty() {
            polyline(svg, points.into_iter(), colour);
            text(svg, (left, TIMES.top - 14.0), "start", colour, format_args!("{name}"));
            left += 20.0 + 7.0 * name.len() as f64;
        }
    }
}

/// The next number of one digit and zeros.
fn rounded_up(number: f64) -> f64 {
    let unit = 10_f64.powf(number.max(1.0).log10().floor());
    (number / unit).ceil().max(1.0) * unit
}

fn rule(svg: &mut String, y: f64, dashes: &str) {
    let _ = writeln!(
        svg,
        "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\" stroke=\"{GREY}\" stroke-opacity=\"0.5\" \
         stroke-dasharray=\"{dashes}\"/>"
    );
}

fn polyline(svg: &mut String, points: impl Iterator<Item = (f64, f64)>, colour: &str) {
    let points: Vec<_> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let _ = writeln!(svg, "<polyline points=\"{}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>", points.join(" "));
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, colour: &str, words: Arguments<'_>) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{words}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Profiles;

    #[test]
    fn every_profile_is_drawn_inside_the_picture_whatever_was_measured() {
        let profiles = Profiles::read().expect("the committed profiles");
        for name in profiles.names() {
            let plan = profiles.plan(&name, true).expect("a plan");
            let length = plan.form.length();
            let sample = |n: u32| Sample {
                step: Step::ALL[n as usize % Step::ALL.len()],
                // Up to a tenth after the end, and beyond the scale.
                at: length * n / 900,
                took: Duration::from_micros(1 << (n % 26)),
                failure: None,
            };
            for samples in [Vec::new(), (0..1_000).map(sample).collect()] {
                let lines = if samples.is_empty() { 2 } else { 6 };
                let svg = plot(&plan, &Record { samples, length });
                let drawn: Vec<_> = svg.split("points=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
                assert_eq!(drawn.len(), lines, "{name}");
                for point in drawn.iter().flat_map(|points| points.split(' ')) {
                    let (x, y) = point.split_once(',').expect("a point");
                    let (x, y): (f64, f64) = (x.parse().expect("a number"), y.parse().expect("a number"));
                    assert!((LEFT..=RIGHT).contains(&x) && (RATES.top..=TIMES.bottom).contains(&y), "{name}: {point}");
                }
            }
        }
    }
}
