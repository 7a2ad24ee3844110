//! Gates that wait, and the audit chain, as the scripted engine has them.

use crate::model::{AuditQuery, AuditRecord, AuditVerdict};

/// A page as the store gives it.
pub fn page(chain: &[AuditRecord], query: &AuditQuery) -> Vec<AuditRecord> {
    let fits = |record: &&AuditRecord| {
        let family = query.action.as_ref().is_none_or(|action| record.action.starts_with(&format!("{action}.")));
        family && query.before.is_none_or(|before| record.seq < before) && query.after.is_none_or(|after| record.seq > after)
    };
    let limit = query.limit.unwrap_or(100) as usize;
    let found = chain.iter().filter(fits).cloned();
    if query.after.is_some() { found.take(limit).collect() } else { found.rev().take(limit).collect() }
}

pub fn verdict(_chain: &[AuditRecord]) -> AuditVerdict {
    todo!()
}
