//! Which runs a typed filter finds, the best first, and which letters of them it found.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::model::RunSummary;
use crate::tui::screen::table::{FIELDS, Marks};

/// The places in a list of the runs that match, with their letters that did.
pub fn find<'r>(runs: impl Iterator<Item = (usize, &'r RunSummary)>, filter: &str) -> Vec<(usize, Marks)> {
    let pattern = Pattern::parse(filter, CaseMatching::Smart, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut found: Vec<(u32, usize, Marks)> = runs
        .filter_map(|(at, run)| {
            let (score, marks) = letters(run, &pattern, &mut matcher)?;
            Some((score, at, marks))
        })
        .collect();
    found.sort_by_key(|(score, at, _)| (std::cmp::Reverse(*score), *at));
    found.into_iter().map(|(_, at, marks)| (at, marks)).collect()
}

fn letters(run: &RunSummary, pattern: &Pattern, matcher: &mut Matcher) -> Option<(u32, Marks)> {
    let (failure, environment) = (run.failure.as_deref().unwrap_or_default(), run.environment.as_deref().unwrap_or_default());
    let fields: [&str; FIELDS] = [&run.pipeline_name, run.id.as_str(), run.status.name(), &run.actor, failure, environment];
    let (text, mut buffer, mut found) = (fields.join(" "), Vec::new(), Vec::new());
    let score = pattern.indices(Utf32Str::new(&text, &mut buffer), matcher, &mut found)?;
    let mut marks = Marks::default();
    let mut start = 0;
    for (field, marked) in fields.iter().zip(&mut marks.0) {
        let end = start + Utf32Str::new(field, &mut buffer).len();
        let places = found.iter().filter_map(|at| usize::try_from(*at).ok());
        marked.extend(places.filter(|at| (start..end).contains(at)).map(|at| at - start));
        start = end + 1;
    }
    Some((score, marks))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::model::{RunId, RunStatus, RunSummary, Timestamp};

    fn run(id: &str, name: &str, status: RunStatus) -> RunSummary {
        RunSummary {
            id: RunId::from_text(id),
            pipeline_id: name.to_owned(),
            pipeline_name: name.to_owned(),
            status,
            actor: "ada".to_owned(),
            created_at: Timestamp(0),
            started_at: None,
            finished_at: None,
            parent: None,
            environment: None,
            stages_total: 1,
            stages_done: 1,
            failure: None,
        }
    }

    #[test]
    fn letters_are_told_by_the_field_they_are_in() {
        let runs = [run("1a", "größe", RunStatus::Failed), run("2b", "deploy", RunStatus::Failed)];
        let found = find(runs.iter().enumerate(), "dep fail");
        assert_eq!(found.len(), 1);
        let (at, marks) = &found[0];
        assert_eq!((*at, &marks.0[0][..], &marks.0[2][..]), (1, &[0, 1, 2][..], &[0, 1, 2, 3][..]));
        let found = find(runs.iter().enumerate(), "ße ada");
        assert_eq!((&found[0].1.0[0][..], &found[0].1.0[3][..]), (&[3, 4][..], &[0, 1, 2][..]));
        assert!(find(runs.iter().enumerate(), "nobody").is_empty());
    }
}
