//! News, and how they look to each kind of receiver.

use serde_json::{Value, json};

use crate::language::template::to_text;
use crate::model::Timestamp;

/// PagerDuty takes no longer summary.
const LONGEST_SUMMARY: usize = 1024;

/// What people are told.
#[derive(Debug, Clone, PartialEq)]
pub struct News {
    pub title: Option<String>,
    pub message: String,
    pub severity: Severity,
    pub run: String,
    pub stage: String,
    pub pipeline: Option<String>,
    pub at: Timestamp,
    /// More of it, for programs; null when there is none. Without a message it is sent as it is.
    pub payload: Value,
}

/// How urgent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    Info,
    Warning,
    Error,
    Critical,
}

impl Severity {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Info, Self::Warning, Self::Error, Self::Critical].into_iter().find(|severity| severity.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

impl News {
    /// `{title, message, severity, pipeline, run_id, stage, at, payload}`.
    pub(super) fn webhook(&self) -> Value {
        self.as_it_is().unwrap_or_else(|| {
            json!({
                "title": self.title,
                "message": self.message,
                "severity": self.severity.name(),
                "pipeline": self.pipeline,
                "run_id": self.run,
                "stage": self.stage,
                "at": self.at,
                "payload": self.payload,
            })
        })
    }

    /// `{text}`, in the receiver's own mark-up.
    pub(super) fn slack(&self) -> Value {
        self.as_it_is().unwrap_or_else(|| {
            let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let title = self.title.as_deref().map(|title| format!("*{}*\n", plain(title))).unwrap_or_default();
            json!({"text": format!("{title}{}", plain(&self.message))})
        })
    }

    /// An event of the second version that opens an incident, one for each stage of a run however often it is sent.
    pub(super) fn pagerduty(&self, routing_key: &str) -> Value {
        let summary = match (&self.title, self.message.is_empty()) {
            (Some(title), true) => title.clone(),
            (Some(title), false) => format!("{title}: {}", self.message),
            (None, true) => to_text(&self.payload),
            (None, false) => self.message.clone(),
        };
        json!({
            "routing_key": routing_key,
            "event_action": "trigger",
            "dedup_key": format!("flowdeck/{}/{}", self.run, self.stage),
            "payload": {
                "summary": summary.chars().take(LONGEST_SUMMARY).collect::<String>(),
                "source": "flowdeck",
                "severity": self.severity.name(),
                "timestamp": self.at,
                "component": self.stage,
                "group": self.pipeline,
                "custom_details": {"run_id": self.run, "payload": self.payload},
            },
        })
    }

    fn as_it_is(&self) -> Option<Value> {
        (self.message.is_empty() && !self.payload.is_null()).then(|| self.payload.clone())
    }
}
