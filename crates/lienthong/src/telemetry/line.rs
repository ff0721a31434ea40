//! One event, one line: JSON for machines, or plain words on a terminal.

use std::error::Error;
use std::fmt::{self, Debug, Write};
use std::sync::Arc;

use exchange::Clock;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::escape::Escaped;

/// How an event becomes a line.
#[derive(Debug)]
pub(super) struct Line {
    form: Form,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    People,
}

impl Line {
    pub(super) const fn json(clock: Arc<dyn Clock>) -> Self {
        let form = Form::Json;
        Self { form, clock }
    }

    pub(super) const fn for_people(clock: Arc<dyn Clock>) -> Self {
        let form = Form::People;
        Self { form, clock }
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let (now, level, target) = (self.clock.now(), metadata.level(), metadata.target());
        match self.form {
            Form::Json => {
                write!(out, r#"{{"time":"{now:.3}","level":"{level}","target":""#)?;
                Escaped(&mut out).write_str(target)?;
                out.write_char('"')?;
            }
            Form::People => {
                write!(out, "{now:.3} {level:>5} ")?;
                Escaped(&mut out).write_str(target)?;
                out.write_char(':')?;
            }
        }
        let mut fields = Fields {
            form: self.form,
            out: out.by_ref(),
            result: Ok(()),
        };
        event.record(&mut fields);
        fields.result?;
        out.write_str(match self.form {
            Form::Json => "}\n",
            Form::People => "\n",
        })
    }
}

/// Writes field after field, until one cannot be written.
struct Fields<'a> {
    form: Form,
    out: Writer<'a>,
    result: fmt::Result,
}

/// A value as it stands in a line.
enum Shown<'a> {
    /// A number or a truth value, which needs no quotes.
    Bare(fmt::Arguments<'a>),
    Word(&'a str),
    Text(fmt::Arguments<'a>),
}

impl Fields<'_> {
    fn add(&mut self, field: &Field, value: &Shown<'_>) {
        if self.result.is_ok() {
            self.result = self.write(field.name(), value);
        }
    }

    fn write(&mut self, name: &str, value: &Shown<'_>) -> fmt::Result {
        let is_plain = self.form == Form::People && name == "message";
        match self.form {
            Form::Json => {
                self.out.write_str(",\"")?;
                // A field may not pose as part of the envelope.
                if matches!(name, "time" | "level" | "target") {
                    self.out.write_str("field.")?;
                }
                Escaped(&mut self.out).write_str(name)?;
                self.out.write_str("\":")?;
            }
            Form::People if is_plain => self.out.write_char(' ')?,
            Form::People => {
                self.out.write_char(' ')?;
                Escaped(&mut self.out).write_str(name)?;
                self.out.write_char('=')?;
            }
        }
        match value {
            Shown::Bare(value) => self.out.write_fmt(*value),
            Shown::Word(value) if is_plain => Escaped(&mut self.out).write_str(value),
            Shown::Word(value) => {
                self.out.write_char('"')?;
                Escaped(&mut self.out).write_str(value)?;
                self.out.write_char('"')
            }
            Shown::Text(value) if is_plain => Escaped(&mut self.out).write_fmt(*value),
            Shown::Text(value) => {
                self.out.write_char('"')?;
                Escaped(&mut self.out).write_fmt(*value)?;
                self.out.write_char('"')
            }
        }
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.add(field, &Shown::Bare(format_args!("{value}")));
        } else {
            self.add(field, &Shown::Text(format_args!("{value}")));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &Shown::Bare(format_args!("{value}")));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, &Shown::Bare(format_args!("{value}")));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &Shown::Bare(format_args!("{value}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, &Shown::Word(value));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.add(field, &Shown::Text(format_args!("{}", Chain(value))));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, &Shown::Text(format_args!("{value:?}")));
    }
}

/// An error and all that caused it.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut error = self.0;
        while let Some(source) = error.source() {
            write!(f, ": {source}")?;
            error = source;
        }
        Ok(())
    }
}
