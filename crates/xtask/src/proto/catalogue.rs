//! Generates the `Field` enum and its table from the options of the records.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::text::{snake, upper_camel};

/// A releasable field of a record.
pub(crate) struct Releasable {
    /// The field in the contract.
    pub(crate) field: FieldDescriptor,
    /// Its id: `population.birth_date`.
    pub(crate) path: String,
    /// Its variant: `PopulationBirthDate`.
    pub(crate) variant: String,
    /// Its source's variant: `Population`.
    source: String,
    authority: String,
    sensitivity: &'static str,
    /// Its Vietnamese name.
    pub(crate) title_vi: String,
    /// Its English name.
    pub(crate) title_en: String,
    /// True if it is not verified against the agency's own specification.
    pub(crate) unconfirmed: bool,
    /// The variant of the form in which it may be granted instead of its value: `LastFour`.
    pub(crate) mask: Option<&'static str>,
}

impl Releasable {
    /// Its sensitivity as proto-JSON names it: `SENSITIVITY_BASIC`.
    pub(crate) fn sensitivity_name(&self) -> String {
        format!("SENSITIVITY_{}", self.sensitivity.to_uppercase())
    }

    /// Its authority as proto-JSON names it: `SOURCE_CIVIL_STATUS`.
    pub(crate) fn authority_name(&self) -> String {
        format!("SOURCE_{}", snake(&self.authority).to_uppercase())
    }
}

/// The record messages, in the order of their sources, each with its releasable fields.
pub(crate) fn records(pool: &DescriptorPool) -> Result<Vec<(MessageDescriptor, Vec<Releasable>)>> {
    let record_of = pool
        .get_extension_by_name("lienthong.v1.record_of")
        .context("no option record_of")?;
    let mut records = Vec::new();
    for message in pool.all_messages() {
        let options = message.options();
        if !options.has_extension(&record_of) {
            continue;
        }
        let number = options
            .get_extension(&record_of)
            .as_enum_number()
            .context("record_of is no enum")?;
        let source = source_name(pool, number)?;
        let fields = message
            .fields()
            .map(|field| releasable(pool, &source, field))
            .collect::<Result<Vec<_>>>()?;
        records.push((number, message, fields));
    }
    records.sort_by_key(|(number, _, _)| *number);
    Ok(records.into_iter().map(|(_, m, f)| (m, f)).collect())
}

fn releasable(pool: &DescriptorPool, source: &str, field: FieldDescriptor) -> Result<Releasable> {
    let extension = pool
        .get_extension_by_name("lienthong.v1.releasable")
        .context("no option releasable")?;
    let options = field.options();
    let value = options.get_extension(&extension);
    let rule = value.as_message().context("releasable is no message")?;
    let text = |name: &str| -> Result<String> {
        let text = rule.get_field_by_name(name);
        let text = text.as_deref().and_then(Value::as_str).unwrap_or_default();
        anyhow::ensure!(!text.is_empty(), "{} lacks {name}", field.full_name());
        Ok(text.to_owned())
    };
    let number = |name: &str| {
        let value = rule.get_field_by_name(name);
        value
            .as_deref()
            .and_then(Value::as_enum_number)
            .unwrap_or(0)
    };
    let authority = match number("authority") {
        0 => source.to_owned(),
        other => source_name(pool, other)?,
    };
    let unconfirmed = rule.get_field_by_name("unconfirmed");
    Ok(Releasable {
        path: format!("{source}.{}", field.name()),
        variant: upper_camel(source) + &upper_camel(field.name()),
        source: upper_camel(source),
        authority: upper_camel(&authority),
        sensitivity: match number("sensitivity") {
            1 => "Basic",
            2 => "Sensitive",
            3 => "Sealed",
            _ => anyhow::bail!("{} has no sensitivity", field.full_name()),
        },
        title_vi: text("title_vi")?,
        title_en: text("title_en")?,
        unconfirmed: unconfirmed
            .as_deref()
            .and_then(Value::as_bool)
            .unwrap_or(false),
        mask: match number("mask") {
            0 => None,
            1 => Some("LastFour"),
            2 => Some("Year"),
            3 => Some("Province"),
            _ => anyhow::bail!("{} has an unknown mask", field.full_name()),
        },
        field,
    })
}

/// 3 → `civil_status`.
fn source_name(pool: &DescriptorPool, number: i32) -> Result<String> {
    let sources = pool
        .get_enum_by_name("lienthong.v1.Source")
        .context("no enum Source")?;
    let value = sources.get_value(number).context("no such source")?;
    Ok(value.name().trim_start_matches("SOURCE_").to_lowercase())
}

/// The type of a field as the catalogue names it.
fn kind(field: &FieldDescriptor) -> String {
    let kind = field.kind();
    let single = if let Kind::Message(message) = &kind {
        message.name().to_owned()
    } else if let Kind::Enum(choice) = &kind {
        choice.name().to_owned()
    } else {
        format!("{kind:?}").to_lowercase()
    };
    if field.is_list() {
        format!("repeated {single}")
    } else {
        single
    }
}

/// The text of `exchange/src/field/generated.rs`.
pub(crate) fn generate(pool: &DescriptorPool) -> Result<String> {
    let fields: Vec<Releasable> = records(pool)?.into_iter().flat_map(|(_, f)| f).collect();
    let mut out = String::from(
        "//! @generated by `cargo xtask proto` from the field options in `proto/`; do not edit.\n\n\
         use super::{FieldInfo, Mask, Sensitivity};\nuse crate::Source;\n\n\
         /// A releasable field: one datum of one source.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\n#[repr(u8)]\n\
         pub enum Field {\n",
    );
    for field in &fields {
        writeln!(out, "/// `{}`.\n{},", field.path, field.variant)?;
    }
    writeln!(
        out,
        "}}\n\n/// What the catalogue says of every field, in the order of the enum.\n\
         pub static FIELDS: [FieldInfo; {}] = [",
        fields.len()
    )?;
    for field in &fields {
        writeln!(
            out,
            "FieldInfo {{ field: Field::{}, path: {:?}, source: Source::{}, authority: Source::{}, \
             sensitivity: Sensitivity::{}, title_vi: {:?}, title_en: {:?}, kind: {:?}, \
             unconfirmed: {}, mask: {} }},",
            field.variant,
            field.path,
            field.source,
            field.authority,
            field.sensitivity,
            field.title_vi,
            field.title_en,
            kind(&field.field),
            field.unconfirmed,
            field
                .mask
                .map_or_else(|| "None".to_owned(), |mask| format!("Some(Mask::{mask})")),
        )?;
    }
    out.push_str("];\n");
    Ok(out)
}
