//! The two statements that are understood, and what they select.

use std::sync::Arc;

use exchange::Field;
use pgwire::error::ErrorInfo;
use pgwire::messages::data::{FieldDescription, RowDescription};
use tokio_postgres::types::Type;

use crate::social_security::wire::{self, Column};

/// A column of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// The number in force.
    PersonalId,
    /// The numbers it replaced.
    PreviousIds,
    /// The time for which they vouch.
    AsOf,
    /// What a field is read from.
    Of(Column),
}

impl Output {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "personal_id" => Some(Self::PersonalId),
            "previous_ids" => Some(Self::PreviousIds),
            "as_of" => Some(Self::AsOf),
            _ => Column::from_name(name).map(Self::Of),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::PersonalId => "personal_id",
            Self::PreviousIds => "previous_ids",
            Self::AsOf => "as_of",
            Self::Of(column) => column.name(),
        }
    }

    const fn kind(self) -> Type {
        match self {
            Self::PreviousIds => Type::TEXT_ARRAY,
            Self::AsOf => Type::TIMESTAMPTZ,
            Self::PersonalId => Type::TEXT,
            Self::Of(column) => match column {
                Column::GioiTinh => Type::INT2,
                Column::QuaTrinh
                | Column::CheDo
                | Column::TheBhyt
                | Column::TroGiup
                | Column::KhuyetTat
                | Column::HoNgheo => Type::JSON,
                Column::MaSoBhxh
                | Column::SoSoCu
                | Column::MaHo
                | Column::HoTen
                | Column::NgaySinh => Type::TEXT,
            },
        }
    }

    /// The field that is read from it.
    const fn field(self) -> Option<Field> {
        match self {
            Self::PersonalId => Some(Field::SocialSecurityPersonalId),
            Self::PreviousIds | Self::AsOf => None,
            Self::Of(column) => Some(column.field()),
        }
    }
}

/// The view that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// By personal number.
    Person,
    /// By insurance code.
    Resolve,
}

impl View {
    /// Its name in the journal.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Person => "person_v1",
            Self::Resolve => "resolve_v1",
        }
    }
}

/// A statement that is understood.
#[derive(Debug)]
pub(super) struct Statement {
    text: Arc<str>,
    view: View,
    outputs: Vec<Output>,
}

impl Statement {
    /// Understands a statement, or says as PostgreSQL would why not.
    pub(super) fn parse(text: &str) -> Result<Self, Box<ErrorInfo>> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = words.join(" ");
        let parts = text
            .strip_prefix("SELECT ")
            .and_then(|rest| rest.split_once(" FROM "));
        let Some((columns, from)) = parts else {
            return Err(error("42601", "syntax error"));
        };
        let view = match from {
            wire::PERSON => View::Person,
            wire::RESOLVE => View::Resolve,
            _ if from.starts_with("lienthong.person_v1 ")
                || from.starts_with("lienthong.resolve_v1 ") =>
            {
                return Err(error("0A000", "only the condition of the agreed statement"));
            }
            _ => return Err(error("42P01", "relation does not exist")),
        };
        let outputs: Option<Vec<Output>> = columns
            .split(", ")
            .map(|name| Output::from_name(name).filter(|_| view.has(name)))
            .collect();
        Ok(Self {
            view,
            outputs: outputs.ok_or_else(|| error("42703", "column does not exist"))?,
            text: text.into(),
        })
    }

    /// Its text, spaces squeezed.
    pub(super) fn text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// The view it reads.
    pub(super) const fn view(&self) -> View {
        self.view
    }

    /// What it selects, in order.
    pub(super) fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The ids of the fields that it asks for.
    pub(super) fn fields(&self) -> Vec<String> {
        let fields = self.outputs.iter().filter_map(|output| output.field());
        fields.map(|field| field.path().to_owned()).collect()
    }

    /// The columns of its answer, in the format in which they are sent.
    pub(super) fn describe(&self, format: i16) -> RowDescription {
        let describe = |output: &Output| {
            FieldDescription::new(
                output.name().to_owned(),
                0,
                0,
                output.kind().oid(),
                -1,
                -1,
                format,
            )
        };
        RowDescription::new(self.outputs.iter().map(describe).collect())
    }
}

impl View {
    fn has(self, name: &str) -> bool {
        match self {
            Self::Person => true,
            Self::Resolve => wire::RESOLVED.contains(&name),
        }
    }
}

/// An error that ends a statement.
pub(super) fn error(code: &str, message: &str) -> Box<ErrorInfo> {
    Box::new(ErrorInfo::new(
        "ERROR".to_owned(),
        code.to_owned(),
        message.to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use exchange::{FieldSet, Source};

    use super::*;
    use crate::social_security::wire::Select;

    fn code(text: &str) -> String {
        Statement::parse(text).unwrap_err().code
    }

    #[test]
    fn what_the_gateway_asks_is_understood() {
        let all = FieldSet::of(Source::SocialSecurity);
        let statement = Statement::parse(&Select::Person(all).sql()).unwrap();
        assert_eq!(statement.fields().len(), all.len());
        let statement = Statement::parse(&Select::Resolve.sql()).unwrap();
        assert_eq!(statement.view(), View::Resolve);
    }

    #[test]
    fn anything_else_is_refused_as_a_database_would() {
        let sql = Select::Person(FieldSet::EMPTY).sql();
        assert_eq!(code("DELETE FROM lienthong.person_v1"), "42601");
        assert_eq!(code(&sql.replace("as_of", "account_no")), "42703");
        assert_eq!(code(&sql.replace("person_v1", "person_v2")), "42P01");
        assert_eq!(code(&sql.replace("LIMIT 2", "LIMIT 9")), "0A000");
        let resolve = Select::Resolve.sql();
        assert_eq!(code(&resolve.replace("personal_id", "ho_ten")), "42703");
    }
}
