//! Small helpers of the generators: names and comments.

use prost_reflect::{FieldDescriptor, MessageDescriptor};

/// `birth_date` → `BirthDate`.
pub(crate) fn upper_camel(snake: &str) -> String {
    snake
        .split('_')
        .map(|word| {
            let (head, tail) = word.split_at(word.len().min(1));
            head.to_uppercase() + tail
        })
        .collect()
}

/// `CitizenView` → `citizen_view`.
pub(crate) fn snake(camel: &str) -> String {
    let mut out = String::new();
    for (place, c) in camel.char_indices() {
        if c.is_uppercase() && place > 0 {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The leading comment at a path of a file, on one line.
pub(crate) fn comment(file: &prost_reflect::FileDescriptor, path: &[i32]) -> String {
    file.file_descriptor_proto()
        .source_code_info
        .iter()
        .flat_map(|info| &info.location)
        .find(|location| location.path == path)
        .and_then(|location| location.leading_comments.as_deref())
        .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
        .unwrap_or_default()
}

/// The comment of a field.
pub(crate) fn field_comment(field: &FieldDescriptor) -> String {
    comment(&field.parent_file(), field.path())
}

/// The comment of a message.
pub(crate) fn message_comment(message: &MessageDescriptor) -> String {
    comment(&message.parent_file(), message.path())
}
