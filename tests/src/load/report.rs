//! What a run came to: a table, a verdict, a line of JSON, a section of a document.

use super::course::{Course, latencies};
use super::figures::Figures;
use super::plot::plot;
use super::profiles::Plan;
use super::record::{Record, Step};
use super::truth::Truth;
use anyhow::Context;
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::Path;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was to be done.
    pub plan: Plan,
    /// What did it.
    pub driver: String,
    /// Every step.
    pub record: Record,
    /// What the processes had meanwhile.
    pub courses: Vec<Course>,
    /// What the system holds of it.
    pub truth: Truth,
}

impl Report {
    /// Whatever must hold and does not.
    pub fn missed(&self) -> Vec<String> {
        let mut missed = self.record.missed(&self.plan.thresholds);
        if !self.truth.is_right() {
            let Truth { uploads, edits, documents, events, .. } = self.truth;
            missed.push(format!(
                "{uploads} uploads and {edits} edits were acknowledged, and {documents} documents with {events} events are there"
            ));
        }
        missed
    }

    /// Figures of each step that was taken, and of all requests together.
    fn rows(&self) -> Vec<(String, Figures)> {
        let all = ("all requests".to_owned(), self.record.figures(|step| step != Step::Delivery));
        let each = Step::ALL.map(|step| (format!("`{step}`"), self.record.figures(|taken| taken == step)));
        each.into_iter().chain([all]).filter_map(|(name, figures)| Some((name, figures?))).collect()
    }

    /// The table, in Markdown.
    pub fn table(&self) -> String {
        let mut table = "| step | taken | failed | per second | p50 ms | p95 ms | p99 ms | most ms |\n\
             | --- | --: | --: | --: | --: | --: | --: | --: |\n"
            .to_owned();
        for (name, figures) in self.rows() {
            let Figures { count, failed, per_second, p50_ms, p95_ms, p99_ms, max_ms } = figures;
            let row = format!(
                "| {name} | {count} | {failed} | {per_second:.1} | {p50_ms:.1} | {p95_ms:.1} | {p99_ms:.1} | {max_ms:.0} |"
            );
            table.push_str(&row);
            table.push('\n');
        }
        table
    }

    /// The course of the run, in Markdown.
    pub fn course(&self) -> String {
        let mut table =
            "| in each quarter | first | second | third | last |\n| --- | --: | --: | --: | --: |\n".to_owned();
        for Course { what, quarters: [first, second, third, last] } in self.courses() {
            let _ = writeln!(table, "| {what} | {first:.1} | {second:.1} | {third:.1} | {last:.1} |");
        }
        table
    }

    fn courses(&self) -> impl Iterator<Item = Course> {
        latencies(&self.record).into_iter().chain(self.courses.clone())
    }

    /// What was done, and whether it was good enough, in a few sentences.
    pub fn verdict(&self) -> String {
        let Plan { form, .. } = &self.plan;
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut text = format!(
            "{} form, up to {} users for {}, {}, {cores} cores: ",
            self.plan.form_name(),
            form.most_users(),
            humantime::format_duration(form.length()),
            self.driver,
        );
        if form.listeners > 0 {
            text = text.replacen(" users", &format!(" users and {} listeners", form.listeners), 1);
        }
        let missed = self.missed();
        text.push_str(&if missed.is_empty() { "every threshold holds.".to_owned() } else { missed.join("; ") + "." });
        for (failure, count) in self.record.failures() {
            let _ = write!(text, " {count} × {failure}.");
        }
        text
    }

    /// Everything, for programs.
    pub fn json(&self) -> Value {
        let rows = self.rows().into_iter().map(|(name, figures)| (name.trim_matches('`').to_owned(), json!(figures)));
        json!({
            "profile": self.plan.name, "form": self.plan.form_name(), "driver": self.driver,
            "seconds": self.record.length.as_secs_f64(), "steps": serde_json::Map::from_iter(rows),
            "quarters": self.courses().collect::<Vec<_>>(),
            "failures": self.record.failures(), "truth": self.truth, "missed": self.missed(),
        })
    }

    /// Writes table and plot into a folder of documents, in the place of those of the same profile.
    pub fn write(&self, docs: &Path) -> anyhow::Result<()> {
        let name = &self.plan.name;
        let (page, picture) = (docs.join("load.md"), docs.join(format!("load-{name}.svg")));
        let text = std::fs::read_to_string(&page).with_context(|| page.display().to_string())?;
        let figures = format!(
            "{}\n\n{}\n{}\n![Requests, users and latencies of {name} over time](load-{name}.svg)",
            self.verdict(),
            self.table(),
            self.course()
        );
        let text =
            replaced(&text, name, &figures).with_context(|| format!("no place for {name} in {}", page.display()))?;
        std::fs::write(&page, text)?;
        std::fs::write(picture, plot(&self.plan, &self.record))?;
        Ok(())
    }
}

/// A text with other words between the marks of a name.
fn replaced(text: &str, name: &str, words: &str) -> Option<String> {
    let [open, close] = [format!("<!-- {name} -->"), format!("<!-- end of {name} -->")];
    let (before, rest) = text.split_once(&open)?;
    let (_, after) = rest.split_once(&close)?;
    Some(format!("{before}{open}\n{words}\n{close}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_replaced_and_the_others_stay() {
        let text = "a <!-- ramp -->old<!-- end of ramp --> b <!-- spike -->kept<!-- end of spike -->";
        let expected = "a <!-- ramp -->\nnew\n<!-- end of ramp --> b <!-- spike -->kept<!-- end of spike -->";
        assert_eq!(replaced(text, "ramp", "new").as_deref(), Some(expected));
        assert_eq!(replaced(text, "soak", "new"), None);
    }
}
