//! What the program says, and where: data on standard output, words on standard error.
//!
//! In: tables, cards, values and errors. Out: text or JSON, coloured only on a terminal that wants colours. A reader who
//! closes the pipe early ends the output and nothing else: the command still finds out what its exit code says.

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;
use time::OffsetDateTime;

use crate::error::CliError;
use crate::escape;
use crate::show::{Colour, Screen, Tone, paint};

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values; only of answers about hosts.
    Csv,
}

/// Where output goes.
pub(crate) struct Ui {
    format: Format,
    out: Sink,
    out_screen: Screen,
    words: Sink,
    words_screen: Screen,
    now: OffsetDateTime,
}

/// A stream that somebody may have stopped reading.
struct Sink {
    stream: Box<dyn Write>,
    closed: bool,
}

impl Sink {
    fn new(stream: impl Write + 'static) -> Self {
        Self { stream: Box::new(stream), closed: false }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        match self.stream.write_all(text.as_bytes()).and_then(|()| self.stream.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

impl Ui {
    /// The process's own streams and clock.
    pub(crate) fn of_process(format: Format) -> Self {
        let (no_color, term) = (std::env::var_os("NO_COLOR"), std::env::var_os("TERM"));
        let colour = Colour::wanted(no_color.as_deref(), term.as_deref());
        let (out, words) = (io::stdout(), io::stderr());
        let (out_terminal, words_terminal) = (out.is_terminal(), words.is_terminal());
        Self {
            format,
            out_screen: if out_terminal { Screen::terminal(colour) } else { Screen::PIPE },
            words_screen: if words_terminal { Screen::terminal(colour) } else { Screen::PIPE },
            out: Sink::new(out),
            words: Sink::new(words),
            now: OffsetDateTime::now_utc(),
        }
    }

    /// How data is to be written.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// What standard output can show.
    pub(crate) const fn screen(&self) -> Screen {
        self.out_screen
    }

    /// When the command started.
    pub(crate) const fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// Writes text to standard output as it is.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), CliError> {
        self.out.write(text).map_err(|error| CliError::output(&error))
    }

    /// Writes one value as JSON, indented unless objects are to stand on lines.
    pub(crate) fn json<T: Serialize>(&mut self, value: &T) -> Result<(), CliError> {
        let text = match self.format {
            Format::Jsonl => serde_json::to_string(value),
            Format::Json | Format::Table | Format::Csv => serde_json::to_string_pretty(value),
        };
        let text = text.map_err(|error| CliError::output(&error))?;
        self.text(&escape::json(&text))?;
        self.text("\n")
    }

    /// Writes values as JSON, one a line, all at once.
    pub(crate) fn json_lines<T: Serialize>(
        &mut self,
        values: impl IntoIterator<Item = T>,
    ) -> Result<(), CliError> {
        let mut lines = String::new();
        for value in values {
            lines.push_str(&serde_json::to_string(&value).map_err(|error| CliError::output(&error))?);
            lines.push('\n');
        }
        self.text(&escape::json(&lines))
    }

    /// Says something beside the data.
    pub(crate) fn note(&mut self, words: &str) {
        // There is nowhere left to complain to.
        let _ = self.words.write(&format!("{words}\n"));
    }

    /// Says how far something is, on one line of a terminal, and nowhere else.
    pub(crate) fn progress(&mut self, words: &str) {
        if self.words_screen != Screen::PIPE {
            let _ = self.words.write(&format!("\r\x1b[K{words}"));
        }
    }

    /// Clears the line of [`Ui::progress`].
    pub(crate) fn progress_done(&mut self) {
        self.progress("");
    }

    /// Warns of something beside the data.
    pub(crate) fn warn(&mut self, words: &str) {
        let label = paint("warning:", Tone::Warn, self.words_screen);
        self.note(&format!("{label} {words}"));
    }

    /// Says what went wrong and what helps.
    pub(crate) fn error(&mut self, error: &CliError) {
        let label = paint("error:", Tone::Bad, self.words_screen);
        self.note(&format!("{label} {}", escape::safe(&error.message)));
        for hint in &error.hints {
            let label = paint("hint:", Tone::Dim, self.words_screen);
            self.note(&format!("{label} {}", escape::safe(hint)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that went away.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A disk that is full.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_a_full_disk_is() {
        let mut closed = Sink::new(Closed);
        assert!(closed.write("a").is_ok());
        assert!(closed.closed);
        assert!(closed.write("b").is_ok());
        assert!(Sink::new(Full).write("a").is_err());
    }
}
