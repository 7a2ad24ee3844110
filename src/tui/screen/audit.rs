//! Screen 8: the audit chain, newest first, a page at a time; who did what, with the record's body as a tree.
//!
//! Holds one page. What is typed filters within it; the family is asked of the engine.

mod draw;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;

use super::{Intent, Tone, View, table};
use crate::model::{AuditQuery, AuditRecord, AuditVerdict};
use crate::tui::action::{Action, Context};
use crate::tui::backend::{Reply, Request};
use crate::tui::popup::{Popup, Purpose};
use crate::tui::widget::format;
use crate::tui::widget::paint::Paint;
use crate::tui::widget::tree::Tree;
use crate::tui::world::World;

/// Records in memory at most.
const PAGE: u32 = 200;
/// What `audit-family` goes through: all, then one thing after the other.
const FAMILIES: [Option<&str>; 4] = [None, Some("gate"), Some("run"), Some("engine")];

#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// Newest first.
    page: Vec<AuditRecord>,
    /// The question that `page` answers, and the one under way.
    shown: Option<AuditQuery>,
    asked: Option<AuditQuery>,
    family: usize,
    filter: String,
    /// Indices into the page; made anew whenever it or the filter changes.
    rows: Vec<usize>,
    cursor: table::Cursor,
    /// The record's body has the keys.
    reading: bool,
    tree: Tree,
    /// The record whose body the tree shows.
    open: Option<u64>,
    verdict: Option<AuditVerdict>,
    verifying: bool,
    /// What was heard of the world when the page was asked for.
    news: u64,
    parts: Parts,
}

/// How the rows of the screen are shared out.
#[derive(Debug, Clone, Copy, Default)]
struct Parts {
    list: Rect,
    body: Rect,
}

/// Where a page lies.
enum Way {
    Older,
    Newer,
}

impl View for Audit {
    fn open(_world: &World) -> Result<Self, &'static str> {
        Ok(Self::default())
    }

    fn focus(&self) -> Vec<Context> {
        if self.reading { vec![Context::Inspector] } else { Vec::new() }
    }

    fn act(&mut self, action: Action, _world: &mut World) -> Vec<Intent> {
        match action {
            Action::AuditFind => return vec![Intent::Open(Box::new(Popup::prompt(Purpose::Filter, &self.filter)))],
            Action::AuditFamily => {
                self.family = (self.family + 1) % FAMILIES.len();
                self.cursor.selected = 0;
                return self.ask(self.query());
            }
            Action::AuditVerify if !self.verifying => {
                (self.verifying, self.verdict) = (true, None);
                return vec![Intent::Ask(Request::VerifyAudit)];
            }
            _ if self.reading => return self.act_on_body(action),
            Action::Open => self.reading = self.current().is_some(),
            Action::ListDown | Action::ListPageDown if self.cursor.selected + 1 >= self.rows.len() => {
                return self.turn(&Way::Older);
            }
            Action::ListUp | Action::ListPageUp if self.cursor.selected == 0 => return self.turn(&Way::Newer),
            _ => self.cursor.act(action),
        }
        Vec::new()
    }

    fn is_of_use(&self, action: Action) -> bool {
        let of_tree = [Action::TreeDown, Action::TreeUp, Action::Fold, Action::FoldAll, Action::CopyValue, Action::CopyPath];
        let of_inspector = action.facts().contexts.contains(&Context::Inspector);
        !of_inspector || of_tree.contains(&action)
    }

    /// Leaves the body, then drops the filter.
    fn back(&mut self, _world: &mut World) -> Option<Vec<Intent>> {
        if std::mem::take(&mut self.reading) {
            return Some(Vec::new());
        }
        if !self.filter.is_empty() {
            self.set_filter("");
            return Some(Vec::new());
        }
        if self.family != 0 {
            self.family = 0;
            return Some(self.ask(self.query()));
        }
        None
    }

    fn typed(&mut self, purpose: Purpose, text: &str, _accepted: bool, _world: &mut World) -> Vec<Intent> {
        if purpose == Purpose::Filter {
            self.set_filter(text);
        }
        Vec::new()
    }

    fn hear(&mut self, reply: Reply, _world: &World) -> Vec<Intent> {
        match reply {
            Reply::Audit { query, records } if self.asked.as_ref() == Some(&query) => return self.take(query, records),
            Reply::Verified(verdict) => (self.verifying, self.verdict) = (false, Some(verdict)),
            Reply::Failed { .. } => (self.verifying, self.asked) = (false, None),
            Reply::Connected(_) => return self.ask(self.query()),
            _ => {}
        }
        Vec::new()
    }

    fn fit(&mut self, area: Rect, world: &mut World) -> Vec<Intent> {
        self.parts = draw::parts(area, self.has_verdict());
        self.cursor.fit(self.parts.list.height.saturating_sub(2), self.rows.len());
        let current = self.current().map(|record| record.seq);
        if self.open != current {
            (self.open, self.tree) = (current, Tree::default());
        }
        let Self { page, rows, cursor, tree, parts, .. } = self;
        if let Some(record) = rows.get(cursor.selected).and_then(|at| page.get(*at)) {
            tree.fit(&record.body, parts.body.height.saturating_sub(draw::HEAD));
        }
        let is_newest = self.shown.as_ref().is_none_or(|query| *query == self.query());
        if self.asked.is_none() && is_newest && (self.shown.is_none() || self.news != world.news) {
            self.news = world.news;
            return self.ask(self.query());
        }
        Vec::new()
    }

    fn draw(&self, paint: &mut Paint<'_>, area: Rect, world: &World) {
        self.paint(paint, area, world);
    }
}

impl Audit {
    /// The newest page of the family.
    fn query(&self) -> AuditQuery {
        AuditQuery { action: FAMILIES[self.family].map(str::to_owned), limit: Some(PAGE), ..AuditQuery::default() }
    }

    fn ask(&mut self, query: AuditQuery) -> Vec<Intent> {
        self.asked = Some(query.clone());
        vec![Intent::Ask(Request::Audit(query))]
    }

    /// The page beside this one.
    fn turn(&mut self, way: &Way) -> Vec<Intent> {
        let (first, last) = (self.page.first().map(|record| record.seq), self.page.last().map(|record| record.seq));
        if self.asked.is_some() {
            return Vec::new();
        }
        match way {
            Way::Older => match last {
                Some(last) if self.page.len() as u64 >= u64::from(PAGE) || self.is_between() => {
                    self.ask(AuditQuery { before: Some(last), ..self.query() })
                }
                _ => Intent::say(Tone::Plain, "these are the oldest records"),
            },
            Way::Newer => match first.filter(|_| self.is_older_page()) {
                Some(first) => self.ask(AuditQuery { after: Some(first), ..self.query() }),
                None => Intent::say(Tone::Plain, "these are the newest records"),
            },
        }
    }

    fn is_older_page(&self) -> bool {
        self.shown.as_ref().is_some_and(|query| query.before.is_some() || query.after.is_some())
    }

    /// There may be older records however few are shown.
    fn is_between(&self) -> bool {
        self.shown.as_ref().is_some_and(|query| query.after.is_some())
    }

    fn take(&mut self, query: AuditQuery, mut records: Vec<AuditRecord>) -> Vec<Intent> {
        self.asked = None;
        records.truncate(PAGE as usize);
        if query.after.is_some() {
            if records.len() < PAGE as usize {
                // The newest page begins here: it is shown whole.
                return self.ask(self.query());
            }
            records.reverse();
        }
        if records.is_empty() && query.before.is_some() {
            return Intent::say(Tone::Plain, "these are the oldest records");
        }
        let kept = self.current().map(|record| record.seq).filter(|_| self.shown.as_ref() == Some(&query));
        let at_end = query.after.is_some();
        (self.page, self.shown) = (records, Some(query));
        self.refresh();
        let place = kept.filter(|_| self.cursor.selected > 0);
        let place = place.and_then(|seq| self.rows.iter().position(|at| self.page[*at].seq == seq));
        self.cursor.selected = place.unwrap_or(if at_end { self.rows.len().saturating_sub(1) } else { 0 });
        Vec::new()
    }

    fn current(&self) -> Option<&AuditRecord> {
        self.page.get(*self.rows.get(self.cursor.selected)?)
    }

    fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
        self.cursor.selected = 0;
        self.refresh();
    }

    /// The records that match what is typed, in the order of the chain.
    fn refresh(&mut self) {
        let pattern = Pattern::parse(&self.filter, CaseMatching::Smart, Normalization::Smart);
        let mut matcher = Matcher::new(Config::DEFAULT);
        let mut buffer = Vec::new();
        let mut matches = |record: &AuditRecord| {
            let words = format!("{} {} {}", record.actor, record.action, record.subject);
            self.filter.is_empty() || pattern.score(Utf32Str::new(&words, &mut buffer), &mut matcher).is_some()
        };
        self.rows = (0..self.page.len()).filter(|at| matches(&self.page[*at])).collect();
    }

    fn act_on_body(&mut self, action: Action) -> Vec<Intent> {
        let page = isize::try_from(self.parts.body.height / 2).unwrap_or(1);
        let Self { page: records, rows, cursor, tree, .. } = self;
        let Some(record) = rows.get(cursor.selected).and_then(|at| records.get(*at)) else { return Vec::new() };
        match action {
            Action::TreeDown => tree.step(1),
            Action::TreeUp => tree.step(-1),
            Action::TreePageDown => tree.step(page),
            Action::TreePageUp => tree.step(-page),
            Action::Fold => tree.fold(&record.body),
            Action::FoldAll => tree.fold_all(),
            Action::CopyValue => {
                let text = tree.current(&record.body).map(|row| match row.value {
                    serde_json::Value::String(text) => text.clone(),
                    value => value.to_string(),
                });
                return text.map(|text| Intent::Copy { text, what: "the value".to_owned() }).into_iter().collect();
            }
            Action::CopyPath => {
                let text = tree.current(&record.body).map(|row| row.path);
                return text.map(|text| Intent::Copy { text, what: "the path".to_owned() }).into_iter().collect();
            }
            _ => {}
        }
        Vec::new()
    }

    fn has_verdict(&self) -> bool {
        self.verifying || self.verdict.is_some()
    }

    /// What a look at the whole chain came to.
    fn verdict(&self) -> Option<(bool, String)> {
        Some(match self.verdict.as_ref()? {
            AuditVerdict::Whole(summary) => {
                let records = format::count(summary.records);
                let signed = match summary.signed_up_to {
                    0 => "none signed for".to_owned(),
                    seq => format!("signed for up to record {}", format::count(seq)),
                };
                (true, format!("the chain is whole: {records} records, {signed}"))
            }
            AuditVerdict::Broken(flaw) => (false, format!("the chain is broken: {flaw}")),
        })
    }
}
