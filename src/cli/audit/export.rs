//! Records written out: JSON lines that can be verified again, or a table that no spreadsheet takes for formulas.

use std::io::{self, Write};

use crate::model::AuditRecord;

/// How records are written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Jsonl,
    Csv,
}

const COLUMNS: [&str; 10] = ["seq", "at", "actor", "uid", "auth_method", "action", "subject", "body", "prev_hash", "hash"];
/// What makes a spreadsheet calculate, also in the full-width forms that it folds.
const FORMULAS: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Writes records in one format.
#[derive(Debug)]
pub struct Writer<W> {
    format: Format,
    out: W,
}

impl<W: Write> Writer<W> {
    /// # Errors
    /// When `out` does not take the header.
    pub fn new(format: Format, mut out: W) -> io::Result<Self> {
        if format == Format::Csv {
            write!(out, "{}\r\n", COLUMNS.join(","))?;
        }
        Ok(Self { format, out })
    }

    /// # Errors
    /// When `out` does not take the record.
    pub fn write(&mut self, record: &AuditRecord) -> io::Result<()> {
        match self.format {
            Format::Jsonl => writeln!(self.out, "{}", serde_json::to_string(record).map_err(io::Error::other)?),
            Format::Csv => write!(self.out, "{}\r\n", row(record)),
        }
    }

    /// # Errors
    /// When what was written does not get through.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn row(record: &AuditRecord) -> String {
    let cells = [
        &record.seq.to_string(),
        &record.at.to_string(),
        &record.actor,
        &record.uid.map(|uid| uid.to_string()).unwrap_or_default(),
        record.auth_method.name(),
        &record.action,
        &record.subject,
        &record.body.to_string(),
        &record.prev_hash,
        &record.hash,
    ];
    cells.map(cell).join(",")
}

/// Always quoted; text that would be a formula begins with an apostrophe.
fn cell(text: &str) -> String {
    let guard = if text.starts_with(FORMULAS) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Format, Writer, cell};
    use crate::model::{Actor, AuditHead, AuditRecord, NewRecord, Timestamp};

    fn written(format: Format, subject: &str) -> String {
        let new = NewRecord {
            at: Timestamp(0),
            actor: Actor { name: "=cmd|' /C calc'!A0".to_owned(), ..Actor::engine() },
            action: "run.created".to_owned(),
            subject: subject.to_owned(),
            body: json!({"a": "b,\"c\"\n"}),
        };
        let mut writer = Writer::new(format, Vec::new()).unwrap();
        writer.write(&AuditRecord::after(&AuditHead { seq: 6, hash: "0".to_owned() }, new)).unwrap();
        String::from_utf8(writer.finish().unwrap()).unwrap()
    }

    #[test]
    fn no_cell_is_a_formula_or_breaks_out_of_its_quotes() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(cell(text), format!("\"'{text}\""));
        }
        assert_eq!(cell("a\",=1,\""), "\"a\"\",=1,\"\"\"");
        let text = written(Format::Csv, "run/x");
        let (header, row) = text.split_once("\r\n").unwrap();
        assert_eq!(header, "seq,at,actor,uid,auth_method,action,subject,body,prev_hash,hash");
        let start = "\"7\",\"1970-01-01T00:00:00.000Z\",\"'=cmd|' /C calc'!A0\",\"\",\"engine\",\"run.created\",\"run/x\",";
        assert!(row.starts_with(start), "{row}");
        assert!(row.contains(r#","{""a"":""b,\""c\""\n""}","#), "{row}");
    }

    #[test]
    fn a_json_line_is_the_record() {
        let text = written(Format::Jsonl, "run/\u{1b}[2J\n");
        assert_eq!(text.lines().count(), 1);
        let record: AuditRecord = serde_json::from_str(&text).unwrap();
        assert_eq!(record.digest(), record.hash);
    }
}
