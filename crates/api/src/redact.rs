//! `Debug` that shows a message's name and nothing in it.

/// Implements `Debug` for each type as its name and an ellipsis.
macro_rules! redacted {
    ($($message:path,)*) => {
        $(impl std::fmt::Debug for $message {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($message), "(…)").trim_start_matches("crate::"))
            }
        })*
    };
}
pub(crate) use redacted;
