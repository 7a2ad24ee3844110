//! Errors at the edge: one line that says what, the chain of causes, the exit code.

use std::error::Error;

use super::Handoff;
use crate::client::ClientError;

/// Prints `error: …: caused by …` to standard error and leaves with `code`.
pub fn complain(code: u8, error: &dyn Error) -> Handoff {
    errln!("error: {}", chain(error));
    Handoff::Exit(code)
}

/// The error and what caused it, without saying anything twice.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: caused by {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// A failed request, with a hint where one helps.
pub fn refused(error: &ClientError) -> Handoff {
    errln!("error: {}", chain(error));
    match error {
        ClientError::Refused(failure) if failure.code == "not_found" => errln!("help: `flowdeck runs` lists what there is"),
        ClientError::Refused(failure) if failure.code == "forbidden" => {
            errln!("help: `flowdeck whoami` tells who you are here and what you may do");
        }
        ClientError::Refused(_) | ClientError::Closed { .. } => {}
        ClientError::Unreachable { .. } | ClientError::Nonsense(_) => {
            errln!("help: `flowdeck doctor` tells what is wrong; `--state-dir DIR` keeps the state in another place");
        }
    }
    Handoff::Exit(error.exit_code())
}
