//! The settings in force: a flag beats a variable, a variable beats the file, the file beats the default.

use std::time::Duration;

use super::{ConfigError, File, Host, IdleTimeout};

/// Settings given on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    pub idle_timeout: Option<IdleTimeout>,
    pub max_concurrency: Option<u32>,
    pub theme: Option<String>,
}

/// Every setting with its final value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub idle_timeout: IdleTimeout,
    /// Stages running at once, over all runs.
    pub max_concurrency: u32,
    /// OS group that may use the socket.
    pub group: Option<String>,
    pub theme: String,
    pub mouse: bool,
}

const IDLE: IdleTimeout = IdleTimeout::After(Duration::from_secs(10 * 60));
const CONCURRENCY: u32 = 64;
const THEME: &str = "terminal";

impl Settings {
    /// Decides each setting once.
    ///
    /// # Errors
    /// `Variable` when an environment variable cannot be read, even if a flag overrides it.
    pub fn decide(flags: &Flags, host: &Host, file: &File) -> Result<Self, ConfigError> {
        let idle = read("FLOWDECK_IDLE_TIMEOUT", host.idle_timeout.as_deref(), str::parse)?;
        let concurrency = read("FLOWDECK_MAX_CONCURRENCY", host.max_concurrency.as_deref(), |text| match text.parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            Ok(_) | Err(_) => Err(format!("{text:?} is not a whole number from 1")),
        })?;
        let theme = flags.theme.clone().or_else(|| host.theme.clone()).or_else(|| file.console.theme.clone());
        Ok(Self {
            idle_timeout: flags.idle_timeout.or(idle).or(file.engine.idle_timeout).unwrap_or(IDLE),
            max_concurrency: flags.max_concurrency.or(concurrency).or(file.engine.max_concurrency).unwrap_or(CONCURRENCY),
            group: file.engine.group.clone(),
            theme: theme.unwrap_or_else(|| THEME.to_owned()),
            mouse: file.console.mouse.unwrap_or(false),
        })
    }
}

fn read<T>(
    name: &'static str,
    value: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, ConfigError> {
    value.map(parse).transpose().map_err(|detail| ConfigError::Variable { name, detail })
}

#[cfg(test)]
mod tests {
    use super::{Flags, Settings};
    use crate::config::{ConfigError, File, Host, IdleTimeout, paths::tests::host};
    use std::path::Path;
    use std::time::Duration;

    fn after(seconds: u64) -> IdleTimeout {
        IdleTimeout::After(Duration::from_secs(seconds))
    }

    #[test]
    fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
        let quiet = host(Path::new("/nowhere"));
        let said = Host { idle_timeout: Some("2s".to_owned()), max_concurrency: Some("2".to_owned()), ..quiet.clone() };
        let text = "[engine]\nidle_timeout = \"3s\"\nmax_concurrency = 3\n";
        let file = File::parse(text, Path::new("/")).unwrap();
        let flags = Flags { idle_timeout: Some(after(1)), max_concurrency: Some(1), theme: None };
        for (flags, host, file, expected) in [
            (&flags, &said, &file, (after(1), 1)),
            (&Flags::default(), &said, &file, (after(2), 2)),
            (&Flags::default(), &quiet, &file, (after(3), 3)),
            (&Flags::default(), &quiet, &File::default(), (after(600), 64)),
        ] {
            let settings = Settings::decide(flags, host, file).unwrap();
            assert_eq!((settings.idle_timeout, settings.max_concurrency), expected);
        }
    }

    #[test]
    fn a_variable_without_meaning_is_named() {
        let host = Host { max_concurrency: Some("many".to_owned()), ..host(Path::new("/nowhere")) };
        let error = Settings::decide(&Flags::default(), &host, &File::default()).unwrap_err();
        assert!(matches!(&error, ConfigError::Variable { name: "FLOWDECK_MAX_CONCURRENCY", .. }), "{error}");
        assert!(error.to_string().contains("many"), "{error}");
    }
}
