//! Which file of a policy holds what. Not here: what it means.

use toml::Table;

use crate::bundle::{AGENCIES, Form, PURPOSES, QUOTAS};
use crate::reader::{Problems, Section};
use crate::{Bundle, Error, SyntaxError};

/// The files of a policy as tables; a policy of one file, as if it had them all.
#[derive(Debug)]
pub(super) struct Files<'p> {
    pub(super) purposes: Section<'p>,
    pub(super) agreements: Vec<Section<'p>>,
    pub(super) agencies: Section<'p>,
    /// Of a policy of one file, also what belongs nowhere.
    pub(super) quotas: Section<'p>,
}

impl<'p> Files<'p> {
    /// Parses every file.
    ///
    /// # Errors
    /// Those that are no TOML.
    pub(super) fn parse(bundle: &'p Bundle, problems: &'p Problems) -> Result<Self, Error> {
        let (mut roots, mut broken) = (Vec::new(), Vec::new());
        for (file, bytes) in bundle.files() {
            match toml::from_slice(bytes) {
                Ok(table) => roots.push(Section::root(file, table, problems)),
                Err(error) => broken.push(SyntaxError {
                    file: file.to_owned(),
                    error,
                }),
            }
        }
        if !broken.is_empty() {
            return Err(Error::Syntax(broken));
        }
        Ok(match bundle.form() {
            Form::Directory => Self::of_directory(roots, problems),
            Form::File => Self::of_file(roots, problems),
        })
    }

    fn of_directory(mut roots: Vec<Section<'p>>, problems: &'p Problems) -> Self {
        let mut named = |name: &'static str| {
            let place = roots.iter().position(|root| root.file() == name);
            place.map_or_else(
                || Section::root(name, Table::new(), problems),
                |place| roots.remove(place),
            )
        };
        Self {
            purposes: named(PURPOSES),
            agencies: named(AGENCIES),
            quotas: named(QUOTAS),
            agreements: roots,
        }
    }

    fn of_file(roots: Vec<Section<'p>>, problems: &'p Problems) -> Self {
        let one = roots.into_iter().next();
        let mut file = one.unwrap_or_else(|| Section::root("", Table::new(), problems));
        Self {
            purposes: file.split("purpose"),
            agreements: file.sections("agreement"),
            agencies: file.split("agency"),
            quotas: file,
        }
    }
}
