//! The report as a page: HTML with its charts inside, and nothing that is loaded from elsewhere.

use std::fmt::Write as _;
use std::time::Duration;

use exchange::Source;

use super::report::{Report, percentile};
use super::vitals::Holds;

/// The states, from good to bad, with their colours.
const STATES: [(&str, &str); 8] = [
    ("OK", "#3a7d44"),
    ("RATE_LIMITED", "#e0b000"),
    ("CIRCUIT_OPEN", "#7a8ba0"),
    ("SKIPPED", "#b8c2cc"),
    ("UNAVAILABLE", "#c96f2e"),
    ("TIMEOUT", "#8c4a9e"),
    ("INVALID_ANSWER", "#b3261e"),
    ("NOT_FOUND", "#000000"),
];

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 120.0;

/// Writes the page.
pub(super) fn write(report: &Report) -> String {
    let mut page = String::from(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Bad day</title>\
         <style>body{font:14px sans-serif;max-width:900px;margin:2em auto}td{padding:2px 12px \
         2px 0;vertical-align:top}svg{background:#f6f6f4;display:block}h2{font-size:15px;\
         margin:1.4em 0 .3em}.wrong{color:#b3261e}</style></head><body><h1>Bad day</h1>",
    );
    let wrong = report.wrong();
    match wrong.as_slice() {
        [] => page.push_str("<p>Nothing went wrong that must not.</p>"),
        wrong => {
            for wrong in wrong {
                write!(page, "<p class=\"wrong\">{}</p>", escape(wrong)).ok();
            }
        }
    }
    page.push_str("<table>");
    for (what, text) in report.lines() {
        let (what, text) = (escape(&what), escape(&text));
        write!(page, "<tr><td>{what}</td><td>{text}</td></tr>").ok();
    }
    page.push_str("</table><p>");
    for (state, colour) in STATES {
        write!(
            page,
            "<span style=\"color:{colour}\">&#9632;</span> {state} "
        )
        .ok();
    }
    page.push_str("</p>");
    let seconds = seconds(report);
    for source in Source::ALL {
        write!(page, "<h2>{source}: states per second</h2>").ok();
        page.push_str(&states(report, source, seconds));
    }
    page.push_str("<h2>Latency of whole calls per second, ms: median and p99</h2>");
    page.push_str(&latencies(report, seconds));
    for (title, of) in [
        (
            "Resident memory, MiB",
            (|held| held.resident_kib as f64 / 1024.0) as fn(&Holds) -> f64,
        ),
        ("Descriptors", |held| held.descriptors as f64),
        ("Tasks", |held| held.tasks as f64),
    ] {
        write!(page, "<h2>{title}</h2>").ok();
        let points = report.samples.iter().map(|held| (held.at_s, of(held)));
        page.push_str(&chart(&[("#33547a", points.collect())]));
    }
    page.push_str("</body></html>\n");
    page
}

/// How many seconds were asked in.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a run"
)]
fn seconds(report: &Report) -> usize {
    let last = report.seen.iter().map(|seen| seen.at_s).fold(0.0, f64::max);
    last as usize + 1
}

/// Bars of a source, a second each, from good to bad.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a run"
)]
fn states(report: &Report, source: Source, seconds: usize) -> String {
    let mut counts = vec![[0_usize; STATES.len()]; seconds];
    for seen in &report.seen {
        let of = seen.sources.iter().find(|(of, ..)| *of == source);
        let place = of.and_then(|(_, state, ..)| STATES.iter().position(|(it, _)| it == state));
        if let (Some(second), Some(place)) = (counts.get_mut(seen.at_s as usize), place) {
            second[place] += 1;
        }
    }
    let most = counts
        .iter()
        .map(|second| second.iter().sum::<usize>())
        .max();
    let (most, width) = (most.unwrap_or(1).max(1) as f64, WIDTH / seconds as f64);
    let mut svg = open();
    for (second, counts) in counts.iter().enumerate() {
        let mut top = HEIGHT;
        for (count, (_, colour)) in counts.iter().zip(STATES).filter(|(count, _)| **count > 0) {
            let height = *count as f64 / most * HEIGHT;
            top -= height;
            let left = second as f64 * width;
            write!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
                 fill=\"{colour}\"/>"
            )
            .ok();
        }
    }
    close(svg, most)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a run"
)]
fn latencies(report: &Report, seconds: usize) -> String {
    let mut took: Vec<Vec<Duration>> = vec![Vec::new(); seconds];
    for seen in &report.seen {
        if let Some(second) = took.get_mut(seen.at_s as usize) {
            second.push(seen.took);
        }
    }
    let line = |of_100| {
        let each = took.iter().enumerate();
        let ms = |all: &Vec<Duration>| percentile(all.clone(), of_100).as_secs_f64() * 1e3;
        each.map(|(second, all)| (second as f64, ms(all))).collect()
    };
    chart(&[("#3a7d44", line(50)), ("#b3261e", line(99))])
}

/// Lines over time.
fn chart(lines: &[(&str, Vec<(f64, f64)>)]) -> String {
    let all = || lines.iter().flat_map(|(_, points)| points);
    let right = all().map(|(x, _)| *x).fold(1.0, f64::max);
    let most = all().map(|(_, y)| *y).fold(1.0, f64::max);
    let mut svg = open();
    for (colour, points) in lines {
        write!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\""
        )
        .ok();
        for (x, y) in points {
            let (x, y) = (x / right * WIDTH, HEIGHT - y / most * (HEIGHT - 4.0));
            write!(svg, "{x:.1},{y:.1} ").ok();
        }
        svg.push_str("\"/>");
    }
    close(svg, most)
}

fn open() -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\">")
}

/// The end of a chart, with what its top stands for.
fn close(mut svg: String, most: f64) -> String {
    write!(
        svg,
        "<text x=\"4\" y=\"12\" font-size=\"11\">{most:.0}</text></svg>"
    )
    .ok();
    svg
}

/// Text that is no markup.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_is_no_markup() {
        assert_eq!(
            escape("<b a='\"&\"'>"),
            "&lt;b a=&#39;&quot;&amp;&quot;&#39;&gt;"
        );
    }
}
