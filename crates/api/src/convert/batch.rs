//! Batch jobs into the words of the house.

use std::collections::HashSet;

use exchange::{CallContext, FieldSet, PageToken, Reason, Subject, Violation};

use super::reader::Reader;
use super::{Malformed, Question};
use crate::v1;
use crate::v1::batch_item::Op;

/// The same question about many citizens.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Why and for whom.
    pub context: CallContext,
    /// What is asked about each.
    pub mask: FieldSet,
    /// The citizens, in the order of the items; never none.
    pub subjects: Vec<Subject>,
}

/// Which results of a job are asked for.
#[derive(Clone, Debug)]
pub struct Results {
    /// Which page, if it is not the first.
    pub page: Option<PageToken>,
    /// How many results at most.
    pub limit: u32,
}

impl Question for v1::CreateBatchJobRequest {
    type Asked = Batch;

    fn context(&self) -> Option<&v1::CallContext> {
        self.context.as_ref()
    }

    fn read(&self, this_year: i16) -> Result<Batch, Malformed> {
        let mut reader = Reader::new(this_year);
        if self.items.len() > MAX_ITEMS {
            let what = format!("has more than {MAX_ITEMS} items");
            reader.violation("items", Reason::PayloadTooLarge, what);
            return reader.finish(None);
        }
        if self.items.is_empty() {
            reader.violation("items", Reason::InvalidArgument, "has none");
        }
        let mask = reader.mask(self.read_mask.as_ref());
        let context = reader.context(self.context.as_ref());
        let subjects = reader.items(&self.items);
        reader.finish(context.map(|context| Batch {
            context,
            mask,
            subjects,
        }))
    }
}

impl v1::ListBatchJobResultsRequest {
    /// Which page is asked for.
    ///
    /// # Errors
    /// Everything that is wrong with its form.
    pub fn page(&self, this_year: i16) -> Result<Results, Vec<Violation>> {
        let mut reader = Reader::new(this_year);
        let page = reader.page(&self.page_token);
        let limit = reader.limit(self.page_size, MAX_RESULTS);
        let read = reader.finish(Some(Results { page, limit }));
        read.map_err(|malformed| malformed.violations)
    }
}

impl From<Batch> for Malformed {
    fn from(batch: Batch) -> Self {
        Self {
            purpose: Some(batch.context.purpose),
            ..Self::default()
        }
    }
}

impl From<Results> for Malformed {
    fn from(_: Results) -> Self {
        Self::default()
    }
}

impl Reader {
    fn items(&mut self, items: &[v1::BatchItem]) -> Vec<Subject> {
        let mut keys = HashSet::with_capacity(items.len());
        let mut subjects = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let key = item.correlation_id.as_str();
            if !is_key(key) || !keys.insert(key) {
                let what = "must be 1 to 64 letters, digits and -_. that no other item has";
                let field = format!("items[{place}].correlation_id");
                self.violation(field, Reason::InvalidArgument, what);
            }
            let subject = item.op.as_ref().map(|Op::Lookup(subject)| subject);
            subjects.extend(self.subject_at(&format!("items[{place}].lookup"), subject));
        }
        subjects
    }
}

fn is_key(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

/// A job of so many is done within minutes, and its message is no larger than half a megabyte.
const MAX_ITEMS: usize = 1_000;
const MAX_RESULTS: u32 = 200;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FieldMask;

    fn item(key: &str, number: &str) -> v1::BatchItem {
        let id = v1::subject_ref::Id::PersonalId(number.into());
        v1::BatchItem {
            correlation_id: key.into(),
            op: Some(Op::Lookup(v1::SubjectRef {
                id: Some(id),
                hints: None,
            })),
        }
    }

    fn job(items: Vec<v1::BatchItem>) -> v1::CreateBatchJobRequest {
        v1::CreateBatchJobRequest {
            context: Some(v1::CallContext {
                request_id: "0190163d-8694-739b-aea5-966c26f8ad91".into(),
                purpose_code: "SOCIAL_BENEFIT".into(),
                ..Default::default()
            }),
            read_mask: Some(FieldMask::from_iter(["tax.status"])),
            items,
        }
    }

    fn wrong(job: &v1::CreateBatchJobRequest) -> Vec<(String, Reason)> {
        let malformed = job.read(2026).unwrap_err();
        let all = malformed.violations.into_iter();
        all.map(|it| (it.field, it.reason)).collect()
    }

    #[test]
    fn everything_wrong_with_every_item_is_told_at_once() {
        let mut items = vec![item("a", "999099000001"), item("a", "999099000002")];
        items.push(item("", "12"));
        items.push(v1::BatchItem {
            correlation_id: "b c".into(),
            op: None,
        });
        let wrong = wrong(&job(items));
        let fields: Vec<_> = wrong.iter().map(|(field, _)| field.as_str()).collect();
        let expected = [
            "items[1].correlation_id",
            "items[2].correlation_id",
            "items[2].lookup.personal_id",
            "items[3].correlation_id",
            "items[3].lookup",
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_thousand_items_are_taken_and_one_more_is_too_large() {
        let items = |count: usize| {
            let items = (0..count).map(|it| item(&it.to_string(), "999099000001"));
            job(items.collect())
        };
        assert_eq!(items(1_000).read(2026).unwrap().subjects.len(), 1_000);
        let too_many = [("items".to_owned(), Reason::PayloadTooLarge)];
        assert_eq!(wrong(&items(1_001)), too_many);
        assert_eq!(
            wrong(&items(0)),
            [("items".to_owned(), Reason::InvalidArgument)]
        );
    }
}
