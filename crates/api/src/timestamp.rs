//! `google.protobuf.Timestamp` with its proto-JSON form: RFC 3339 in UTC, ending in `Z`.

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;

/// A point in time, as the wire carries it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, prost::Message)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z.
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    /// Nanoseconds of the second.
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

impl Timestamp {
    /// The same time as the rest of the house has it; none if it is out of range.
    #[must_use]
    pub fn to_jiff(self) -> Option<jiff::Timestamp> {
        jiff::Timestamp::new(self.seconds, self.nanos).ok()
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        Self {
            seconds: time.as_second(),
            nanos: time.subsec_nanosecond(),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let out_of_range = || serde::ser::Error::custom("a timestamp is out of range");
        let time = self.to_jiff().ok_or_else(out_of_range)?;
        // Proto-JSON wants no fraction, or one of three, six or nine digits.
        let digits = match self.nanos {
            0 => 0,
            n if n % 1_000_000 == 0 => 3,
            n if n % 1_000 == 0 => 6,
            _ => 9,
        };
        serializer.collect_str(&format_args!("{time:.digits$}"))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time in RFC 3339, such as 2026-01-31T08:00:00Z")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
                // Said without the text, which may be anything.
                let time: jiff::Timestamp = text.parse().map_err(|_| E::custom(NO_TIME))?;
                Ok(time.into())
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// The error of a text that is no time.
pub const NO_TIME: &str = "is no time in RFC 3339, such as 2026-01-31T08:00:00Z";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_form_ends_in_z_with_three_six_or_nine_digits() {
        let cases = [
            (0, r#""2026-01-31T01:00:00Z""#),
            (120_000_000, r#""2026-01-31T01:00:00.120Z""#),
            (120_450_000, r#""2026-01-31T01:00:00.120450Z""#),
            (1, r#""2026-01-31T01:00:00.000000001Z""#),
        ];
        for (nanos, json) in cases {
            let time = Timestamp {
                seconds: 1_769_821_200,
                nanos,
            };
            assert_eq!(serde_json::to_string(&time).unwrap(), json);
            assert_eq!(serde_json::from_str::<Timestamp>(json).unwrap(), time);
        }
        let offset = serde_json::from_str::<Timestamp>(r#""2026-01-31T08:00:00+07:00""#).unwrap();
        assert_eq!(offset.seconds, 1_769_821_200);
    }
}
